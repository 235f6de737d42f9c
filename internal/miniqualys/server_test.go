package miniqualys

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestUnknownCallsAreNamed(t *testing.T) {
	for _, unknown := range []struct{ method, path string }{
		{"GET", "/"},
		{"GET", "/auth"},
		{"GET", "/qps/rest/1.0/delete/saq/user"},
		{"GET", "/qps/rest/1.0/delete/saq/user/767231594"},
		{"POST", "/qps/rest/1.0/create/saq/user"},
		{"POST", "/qps/rest/1.0/search/saq/group"},
		{"POST", "/adminui/user-management/v1/users"},
		{"POST", "/adminui/user-management/v1/users/download/"},
		{"POST", "/control/heal"}, // not opened
	} {
		t.Run(unknown.method+" "+unknown.path, func(t *testing.T) {
			api, c := begin(t)
			res, text, err := c.do(unknown.method, unknown.path, "")
			require.NoError(t, err)
			assert.Equal(t, http.StatusNotFound, res.StatusCode)
			assert.Contains(t, res.Header.Get("Content-Type"), "text/html")
			assert.Contains(t, text, "There is no call "+unknown.method+" "+unknown.path+" here.")
			assert.Equal(t, Op(""), api.Requests()[0].Op)
		})
	}
}

func TestTheJournalKeepsNoSecrets(t *testing.T) {
	api, c := begin(t)
	c.get(wanted(1, 0, "ASC", ""))
	c.saq(Count, ask())

	requests := api.Requests()
	require.Len(t, requests, 3)
	assert.Equal(t, "password=***&token=true&username="+Username, requests[0].Body)
	assert.Equal(t, "Bearer ***", requests[1].Header.Get("Authorization"))
	assert.Equal(t, "format=CSV&timezone=Asia%2FKolkata", requests[1].Query)
	assert.Equal(t, "Basic ***", requests[2].Header.Get("Authorization"))
	assert.Equal(t, ask(), requests[2].Body)
	assert.Equal(t, []int{1, 1, 1}, []int{api.Calls(Auth), api.Calls(Download), api.Calls(Count)})

	api.ForgetRequests()
	assert.Empty(t, api.Requests())
	assert.Zero(t, api.Calls(Auth))
}

func TestTheJournalForgetsTheOldest(t *testing.T) {
	j := newJournal()
	for range keepLast + 1 {
		j.note(Request{Op: Count})
	}
	assert.Equal(t, keepLast+1, j.calls[Count])
	assert.Len(t, j.requests, keepLast-keepLast/10+1)
}

func TestACallThatIsTooLarge(t *testing.T) {
	_, c := begin(t)
	res, _, err := c.qps(Search, strings.Repeat(" ", maxBody+1))
	if err == nil { // the server may hang up before all of it is sent
		assert.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
	}
}

func TestWhatIsThereSurvivesARestart(t *testing.T) {
	api := RunT(t)
	api.AddSAQUsers(3, "Acme")
	old := api.URL()
	api.Close()
	api.Close()
	_, err := api.Dial(t.Context(), "tcp", "anywhere:80")
	require.ErrorIs(t, err, errClosed)

	require.NoError(t, api.Start(strings.TrimPrefix(old, "http://")))
	require.Equal(t, old, api.URL())
	assert.Equal(t, 3, callerOf(t, api).saq(Count, ask()).Count)
	require.Error(t, New().Start(strings.TrimPrefix(old, "http://")), "the port is taken")
}

func TestARealSocketServesToo(t *testing.T) {
	api := RunT(t)
	res, err := http.Get(api.URL() + versionPath)
	require.NoError(t, err)
	defer res.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), "AUTH_CREDENTIALS_NEEDED")
}

func TestCloseEndsEveryGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	api := New()
	require.NoError(t, api.Start("127.0.0.1:0"))
	api.Hang(Count, 1)
	api.Slow(Search, time.Hour)
	transport := &http.Transport{DialContext: api.Dial}
	over := make(chan error, 2)
	for _, op := range []Op{Count, Search} {
		go func() {
			req, err := http.NewRequest("POST", api.URL()+saqPrefix+string(op)+saqSuffix, strings.NewReader(ask()))
			if err == nil {
				req.Header.Set("Content-Type", "text/xml")
				_, err = transport.RoundTrip(req)
			}
			over <- err
		}()
	}
	require.NoError(t, api.Arrived(t.Context(), Count))
	api.Close()
	require.Error(t, <-over)
	require.Error(t, <-over)
	transport.CloseIdleConnections()
}

// A call that comes to look when the server has begun to close ends as well.
func TestACallThatComesTooLateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := NewInMemory()
		api.Slow(Version, time.Hour)
		began := time.Now()
		late := httptest.NewRequest("GET", versionPath, nil)
		late = late.WithContext(context.WithValue(t.Context(), runKey{}, api.run))
		api.Close()
		w := httptest.NewRecorder()
		api.ServeHTTP(w, late)
		assert.Equal(t, http.StatusBadGateway, w.Code, "its connection is broken")
		assert.Zero(t, time.Since(began))
	})
}

func TestEverythingWorksInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := begin(t)
		api.AddSAQUsers(3, "Acme")
		api.Slow(Delete, 40*time.Minute)
		start := time.Now()
		assert.Equal(t, 3, c.saq(Delete, ask()).Count)
		assert.Equal(t, 40*time.Minute, time.Since(start), "virtual time")
		assert.Empty(t, api.SAQUsers())

		token := c.token()
		time.Sleep(4*time.Hour - time.Second)
		get := func() int {
			res, _, err := c.do("POST", downloadQuery, wanted(1, 0, "ASC", ""), "Content-Type", "application/json",
				"Authorization", "Bearer "+token)
			require.NoError(t, err)
			return res.StatusCode
		}
		assert.Equal(t, http.StatusOK, get())
		time.Sleep(time.Second)
		assert.Equal(t, http.StatusUnauthorized, get())
	})
}

func TestAClientThatLosesPatience(t *testing.T) {
	for _, patience := range []struct {
		name string
		turn func(*Server)
		gone bool // the users are, in the end
	}{
		{"hang: nothing is done", func(s *Server) { s.Hang(Delete, 1) }, false},
		{"hang answers: all is done", func(s *Server) { s.HangAnswers(Delete, 1) }, true},
		{"slow: it is done later", func(s *Server) { s.Slow(Delete, time.Minute) }, true},
		{"gate: it is done when the gate opens", func(s *Server) { time.AfterFunc(time.Minute, s.Gate(Delete)) }, true},
		{"gate and lost: it is not done", func(s *Server) { s.LoseCalls(Delete, 1); time.AfterFunc(time.Minute, s.Gate(Delete)) }, false},
	} {
		t.Run(patience.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := begin(t)
				api.AddSAQUsers(2, "Acme")
				patience.turn(api)
				c.http.Timeout = 30 * time.Second
				_, _, err := c.qps(Delete, ask())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				time.Sleep(time.Hour)
				if patience.gone {
					assert.Empty(t, api.SAQUsers())
				} else {
					assert.Len(t, api.SAQUsers(), 2)
				}
			})
		})
	}
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	m := newMemory() // nobody accepts
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.dial(ctx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "127.0.0.1:2", m.Addr().String())
}

func TestAHandlerThatCannotHangUpSaysSo(t *testing.T) {
	api := New()
	api.LoseCalls(Version, 1)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest("GET", versionPath, nil))
	assert.Equal(t, http.StatusBadGateway, w.Code)
}
