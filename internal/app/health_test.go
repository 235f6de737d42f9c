package app

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// P09: what does not work makes the bot not ready, and says why; what works
// less well is said too.
func TestReadinessSaysWhy(t *testing.T) {
	var broken []error
	var degraded []string
	h := health{
		metrics:  newMetrics(),
		ready:    func(context.Context) []error { return broken },
		degraded: func(context.Context) []string { return degraded },
	}
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	code, body := get("/readyz")
	assert.Equal(t, 200, code)
	assert.Equal(t, "ok\n", body)

	degraded = []string{"approvals: 0 of 1"}
	code, body = get("/readyz")
	assert.Equal(t, 200, code)
	assert.Equal(t, "ok\ndegraded: approvals: 0 of 1\n", body)

	broken = []error{nil, errors.New("no socket to Slack is up")}
	code, body = get("/readyz")
	assert.Equal(t, 503, code)
	assert.Equal(t, "no socket to Slack is up\n", body)

	code, _ = get("/livez")
	assert.Equal(t, 200, code, "it lives all the same")
	h.metrics.meter().Sockets(2)
	_, body = get("/metrics")
	assert.Contains(t, body, "countersign_slack_sockets 2")
}
