package miniqualys

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLostCallsAndLostAnswers(t *testing.T) {
	for _, lost := range []struct {
		name  string
		turn  func(*Server, Op, int)
		works bool
	}{
		{"calls", (*Server).LoseCalls, false},
		{"answers", (*Server).LoseAnswers, true},
	} {
		t.Run(lost.name, func(t *testing.T) {
			api, c := begin(t)
			team(api)
			lost.turn(api, Delete, 1)
			_, _, err := c.qps(Delete, ask("id", "EQUALS", "101"))
			require.ErrorIs(t, err, io.EOF)
			_, there := api.SAQUser(101)
			assert.Equal(t, lost.works, !there)
			assert.Equal(t, 1, api.Calls(Delete))
			assert.Equal(t, 3, c.saq(Search, ask("id", "IN", "102,103,110")).Count, "other calls are not met")
			assert.Equal(t, 1, c.saq(Delete, ask("id", "EQUALS", "102")).Count, "nor the next one")

			lost.turn(api, Delete, -1)
			for range 3 {
				_, _, err := c.qps(Delete, ask("id", "EQUALS", "103"))
				require.Error(t, err)
			}
			api.Heal()
			c.saq(Delete, ask("id", "EQUALS", "103"))
		})
	}
}

func TestCannedAnswersDoNothing(t *testing.T) {
	for _, canned := range []struct {
		name   string
		turn   func(*Server)
		status int
		kind   string
		says   string
	}{
		{"HTML", func(s *Server) { s.Fail(Delete, 502, "<html>bad gateway</html>", 1) }, 502, "text/html", "bad gateway"},
		{"XML", func(s *Server) { s.Fail(Delete, 500, "<ServiceResponse/>", 1) }, 500, "application/xml", "<ServiceResponse/>"},
		{"JSON", func(s *Server) { s.Fail(Delete, 200, ` {"status":500}`, 1) }, 200, "application/json", "500"},
		{"text", func(s *Server) { s.Fail(Delete, 503, "busy", 1) }, 503, "text/plain", "busy"},
		{"rate", func(s *Server) { s.RateLimit(Delete, 409, map[string]string{"X-RateLimit-ToWait-Sec": "7"}, 1) }, 409, "application/xml", "LIMIT_EXCEEDED"},
		{"rate without headers", func(s *Server) { s.RateLimit(Delete, 429, nil, 1) }, 429, "application/xml", "LIMIT_EXCEEDED"},
	} {
		t.Run(canned.name, func(t *testing.T) {
			api, c := begin(t)
			team(api)
			canned.turn(api)
			res, text, err := c.qps(Delete, ask("id", "EQUALS", "101"))
			require.NoError(t, err)
			assert.Equal(t, canned.status, res.StatusCode)
			assert.Contains(t, res.Header.Get("Content-Type"), canned.kind)
			assert.Contains(t, text, canned.says)
			if canned.name == "rate" {
				assert.Equal(t, "7", res.Header.Get("X-RateLimit-ToWait-Sec"))
			}
			assert.Len(t, api.SAQUsers(), 4)
			assert.Equal(t, 1, c.saq(Delete, ask("id", "EQUALS", "101")).Count)
		})
	}
}

func TestCannedAnswersComeInTurn(t *testing.T) {
	api, c := begin(t)
	api.Fail(Count, 500, "a", 2)
	api.RateLimit(Count, 429, nil, 1)
	api.Fail(Count, 503, "b", -1)
	var got []int
	for range 5 {
		res, _, err := c.qps(Count, ask())
		require.NoError(t, err)
		got = append(got, res.StatusCode)
	}
	assert.Equal(t, []int{500, 500, 429, 503, 503}, got)
	api.Heal(Count)
	assert.Equal(t, "SUCCESS", c.saq(Count, ask()).Code)
}

func TestTheGatewayTurnsAwayInJSON(t *testing.T) {
	api, c := begin(t)
	api.RateLimit(Download, 429, nil, 1)
	res, text := c.get(wanted(1, 0, "ASC", ""))
	assert.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	assert.JSONEq(t, `{"status":429,"error":"Too Many Requests","message":"Rate limit exceeded"}`, text)
}

func TestAGateHoldsOneCall(t *testing.T) {
	for _, gate := range []struct {
		name string
		set  func(*Server, Op) func()
		left int // users, while the call waits
	}{
		{"before the work", (*Server).Gate, 4},
		{"behind the work", (*Server).GateAnswer, 3},
	} {
		t.Run(gate.name, func(t *testing.T) {
			api, c := begin(t)
			team(api)
			release := gate.set(api, Delete)
			var answered sync.WaitGroup
			answered.Go(func() { assert.Equal(t, 1, c.saq(Delete, ask("id", "EQUALS", "101")).Count) })
			require.NoError(t, api.Arrived(t.Context(), Delete))
			assert.Len(t, api.SAQUsers(), gate.left)
			assert.Equal(t, 1, c.saq(Delete, ask("id", "EQUALS", "102")).Count, "the next one passes")
			release()
			release()
			answered.Wait()
			assert.Len(t, api.SAQUsers(), 2)

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := api.Arrived(ctx, Delete)
			require.ErrorIs(t, err, context.Canceled, "each arrival is told once")
			assert.Contains(t, err.Error(), "no call of delete")
		})
	}
}

func TestHangingCallsGoOnWhenReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := begin(t)
		api.Hang(Count, 2)
		var answered sync.WaitGroup
		for range 3 {
			answered.Go(func() { assert.Equal(t, "SUCCESS", c.saq(Count, ask()).Code) })
		}
		synctest.Wait()
		require.NoError(t, api.Arrived(t.Context(), Count))
		require.NoError(t, api.Arrived(t.Context(), Count))
		api.Release(Count)
		answered.Wait()
		api.Gate(Search)
		api.Heal(Search)
		assert.Equal(t, "SUCCESS", c.saq(Search, ask()).Code, "a healed gate is open")
	})
}

func TestManyAtOnce(t *testing.T) {
	api, c := begin(t)
	users := api.AddSAQUsers(60, "Acme")
	api.AddPlatformUsers(100)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for _, u := range users[i*10 : i*10+10] {
				c.saq(Delete, ask("id", "EQUALS", fmt.Sprint(u.ID)))
				c.saq(Search, ask())
			}
			c.get(wanted(100, 0, "DESC", "READER"))
			api.State()
			api.AddPlatformUsers(1)
		})
	}
	all.Wait()
	assert.Empty(t, api.SAQUsers())
	assert.Empty(t, api.RepeatedDeletes())
	assert.Equal(t, 60, api.Calls(Delete))
}

// steer turns a knob from outside and returns status and answer.
func (c caller) steer(method, call, body string) (int, string) {
	c.t.Helper()
	res, text, err := c.do(method, controlPath+call, body)
	require.NoError(c.t, err)
	return res.StatusCode, text
}

func TestEveryKnobTurnsFromOutside(t *testing.T) {
	for _, knob := range []struct {
		call, body string
		check      func(*testing.T, *Server, caller)
	}{
		{"slow?op=count&ms=1", "", func(t *testing.T, s *Server, _ caller) { assert.Equal(t, time.Millisecond, s.slowness(Count)) }},
		{"lose-answers?op=delete&n=1", "", func(t *testing.T, s *Server, c caller) {
			_, _, err := c.qps(Delete, ask("id", "EQUALS", "101"))
			assert.ErrorIs(t, err, io.EOF)
			assert.Len(t, s.SAQUsers(), 3)
		}},
		{"lose-calls?op=delete&n=1", "", func(t *testing.T, s *Server, c caller) {
			_, _, err := c.qps(Delete, ask("id", "EQUALS", "101"))
			assert.ErrorIs(t, err, io.EOF)
			assert.Len(t, s.SAQUsers(), 4)
		}},
		{"hang?op=count&n=2", "", func(t *testing.T, s *Server, _ caller) { assert.Len(t, s.faults[Count].holds[before], 2) }},
		{"hang-answers?op=count&n=2", "", func(t *testing.T, s *Server, _ caller) { assert.Len(t, s.faults[Count].holds[after], 2) }},
		{"gate?op=count", "", func(t *testing.T, s *Server, _ caller) { assert.Len(t, s.faults[Count].holds[before], 1) }},
		{"gate-answer?op=count", "", func(t *testing.T, s *Server, _ caller) { assert.Len(t, s.faults[Count].holds[after], 1) }},
		{"fail?op=count&status=503&n=1", "busy", func(t *testing.T, _ *Server, c caller) {
			res, text, err := c.qps(Count, ask())
			require.NoError(t, err)
			assert.Equal(t, "503 busy", fmt.Sprint(res.StatusCode, " ", text))
		}},
		{"rate-limit?op=count&status=409&n=1&Retry-After=5", "", func(t *testing.T, _ *Server, c caller) {
			res, _, err := c.qps(Count, ask())
			require.NoError(t, err)
			assert.Equal(t, "409 5", fmt.Sprint(res.StatusCode, " ", res.Header.Get("Retry-After")))
		}},
		{"limit?op=count&calls=1&seconds=3600", "", func(t *testing.T, _ *Server, c caller) {
			first, _, err := c.qps(Count, ask())
			require.NoError(t, err)
			second, _, err := c.qps(Count, ask())
			require.NoError(t, err)
			assert.Equal(t, "200 409", fmt.Sprint(first.StatusCode, " ", second.StatusCode))
		}},
		{"delete-only?k=1&n=2", "", func(t *testing.T, s *Server, c caller) {
			assert.Equal(t, 3, c.saq(Delete, ask("id", "IN", "101,102,103")).Count)
			assert.Len(t, s.SAQUsers(), 2)
		}},
		{"quirks", `{"SortByID":true,"IgnoreCriteria":["company"]}`, func(t *testing.T, s *Server, _ caller) {
			assert.Equal(t, Quirks{SortByID: true, IgnoreCriteria: []string{"company"}}, s.Quirks())
		}},
		{"revoke", "", func(t *testing.T, _ *Server, c caller) {
			assert.Equal(t, "INVALID_CREDENTIALS", c.saq(Count, ask()).Code)
		}},
		{"credentials?username=" + Username + "&password=new", "", func(t *testing.T, _ *Server, c caller) {
			res, _ := c.login(Username, "new")
			assert.Equal(t, 201, res.StatusCode)
		}},
		{"remove?id=101", "", func(t *testing.T, s *Server, _ caller) { assert.Len(t, s.SAQUsers(), 3) }},
		{"recreate?id=101", "", func(t *testing.T, s *Server, _ caller) {
			_, there := s.SAQUser(101)
			assert.False(t, there)
			assert.Len(t, s.SAQUsers(), 4)
		}},
		{"hide?id=101", "", func(t *testing.T, _ *Server, c caller) { assert.Equal(t, 3, c.saq(Count, ask()).Count) }},
		{"show?id=101", "", func(t *testing.T, _ *Server, c caller) { assert.Equal(t, 4, c.saq(Count, ask()).Count) }},
		{"stubborn?id=101", "", func(t *testing.T, s *Server, c caller) {
			assert.Equal(t, 4, c.saq(Delete, ask()).Count)
			assert.Len(t, s.SAQUsers(), 1)
		}},
		{"add?company=Globex&n=5", "", func(t *testing.T, s *Server, _ caller) { assert.Len(t, s.SAQUsers(), 9) }},
	} {
		t.Run(knob.call, func(t *testing.T) {
			api, c := begin(t)
			api.Control(true)
			team(api)
			status, text := c.steer("POST", knob.call, knob.body)
			require.Equal(t, http.StatusNoContent, status, text)
			knob.check(t, api, c)
			assert.NotContains(t, fmt.Sprint(api.Requests()), controlPath, "steering is no call")
		})
	}
}

func TestKnobsThatDoNotTurn(t *testing.T) {
	for _, bad := range []struct{ call, says string }{
		{"slow?op=count", `ms is ""; it must be a number`},
		{"slow?op=cuont&ms=5", `slow: op is "cuont"; it must be one of [auth download`},
		{"melt?op=count", `there is no knob "melt"`},
		{"lose-answers?op=count&n=many", `n is "many"`},
		{"delete-only?k=1", `n is ""`},
		{"remove?id=7", "there is no SAQ user 7"},
		{"remove", `id is ""`},
		{"add?company=Acme", `n is ""`},
		{"quirks", "the body is no Quirks"},
		{"fail?op=count&status=99&n=1", "status is 99"},
		{"fail?op=count&n=1", `status is ""`},
		{"arrived?op=count", `ms is ""`},
	} {
		t.Run(bad.call, func(t *testing.T) {
			api, c := begin(t)
			api.Control(true)
			status, text := c.steer("POST", bad.call, "")
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, text, bad.says)
		})
	}
}

func TestAnotherProcessSteersAKill(t *testing.T) {
	api := RunT(t)
	team(api)
	api.Control(true)
	c := callerOf(t, api)
	status, _ := c.steer("POST", "arrived?op=delete&ms=1", "")
	require.Equal(t, http.StatusGatewayTimeout, status, "nobody is there yet")
	c.steer("POST", "gate?op=delete", "")
	var answered sync.WaitGroup
	answered.Go(func() { c.saq(Delete, ask("id", "IN", "101,102")) })
	status, _ = c.steer("POST", "arrived?op=delete&ms=60000", "")
	require.Equal(t, http.StatusNoContent, status)
	c.steer("POST", "release?op=delete", "")
	answered.Wait()
	c.steer("POST", "heal", "")
	c.steer("POST", "heal?op=delete", "")

	_, text := c.steer("GET", "saq", "")
	assert.JSONEq(t, `{"ids":[103,110]}`, text)
	_, text = c.steer("GET", "saq?full=true", "")
	assert.Contains(t, text, `"userName":"dora@globex_9"`)
	_, text = c.steer("GET", "state", "")
	assert.JSONEq(t, `{"saq_users":2,"platform_users":0,"calls":{"delete":1},"wild":0,"refused_logins":0,
		"deletes":{"101":1,"102":1},"updates":{},"repeated_deletes":null,"repeated_updates":null}`, text)
	_, text = c.steer("GET", "requests", "")
	assert.Contains(t, text, `"Op":"delete"`)
	assert.NotContains(t, text, url.QueryEscape(Password))
	status, text = c.steer("GET", "weather", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, text, "/control/weather")
	api.Control(false)
	status, _ = c.steer("GET", "saq", "")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestAControlCallThatIsTooLarge(t *testing.T) {
	api := New()
	api.Control(true)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest("POST", "/control/quirks", strings.NewReader(strings.Repeat(" ", maxBody+1))))
	assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
}
