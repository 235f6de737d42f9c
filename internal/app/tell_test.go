package app_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/app"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// Promise 8: whoever asked for a long download hears what it takes and what it
// waits for, while it goes on.
func TestALongDownloadIsToldOverTheWire(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	write(t, policy, defaultPolicy)
	synctest.Test(t, func(t *testing.T) {
		slack, api, memory := minislack.RunInMemoryT(t), miniqualys.RunInMemoryT(t), miniredis.NewMiniRedis()
		memory.ClockTTL(true)
		t.Cleanup(memory.Close)
		slack.Example()
		api.AddPlatformUsers(12_345)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			r := role{Slack: slack.URL(), Qualys: api.URL(), Redis: "redis://127.0.0.1:1/0", Policy: policy}
			ended <- app.Run(ctx, app.Config{
				Settings: r.settings(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test",
				DialSlack: slack.Dial, DialQualys: api.Dial,
				DialRedis: func(context.Context, string, string) (net.Conn, error) { return memory.Dial() },
			})
		}()
		require.NoError(t, slack.AwaitConnected(ctx, 1))
		api.Slow(miniqualys.Download, 2*time.Second)
		_, err := slack.As("alice").Slash(channel, "/qualys-users", "download")
		require.NoError(t, err)
		time.Sleep(4 * time.Second)
		api.RateLimit(miniqualys.Download, http.StatusTooManyRequests, map[string]string{"Retry-After": "70"}, 1)
		time.Sleep(3 * time.Minute)
		synctest.Wait()

		var told []string
		for _, m := range slack.Messages(channel) {
			if m.EphemeralTo == "alice" {
				told = append(told, m.Rendered())
			}
		}
		require.Len(t, told, 4, "%s", strings.Join(told, "\n"))
		assert.Contains(t, told[0], "Downloading platform users")
		assert.Regexp(t, `^Qualys has 12,345 platform users\. Reading them takes 13 calls, about \d+ seconds more\.$`, told[1])
		assert.Regexp(t, `^Qualys makes me wait .*; then I go on\.$`, told[2])
		assert.Contains(t, told[3], "12,345 platform users are in the channel")
		stop()
		assert.NoError(t, <-ended)
	})
}
