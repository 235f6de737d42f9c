package qualys_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestSettingsAreJudgedAllAtOnce(t *testing.T) {
	_, err := qualys.New(qualys.Config{APIURL: "http://qualysapi.qualys.com", GatewayURL: "ftp://x", WriteTimeout: -1})
	for _, want := range []string{"APIURL: must begin with https://", "GatewayURL: must begin", "no Username", "no Password", "WriteTimeout:"} {
		require.ErrorContains(t, err, want)
	}
	for _, tt := range []struct{ name, url, problem string }{
		{"https", "https://qualysapi.qualys.com", ""},
		{"https with a port and a path", "https://proxy.example:8443/qualys/", ""},
		{"loopback", "http://127.0.0.1:8080", ""},
		{"loopback by name", "http://localhost", ""},
		{"loopback in IPv6", "http://[::1]:80", ""},
		{"plain", "http://10.0.0.1", "must begin with https://"},
		{"almost loopback", "http://127.0.0.1.example.com", "must begin with https://"},
		{"with credentials", "https://user:hunter2@host", "must not hold credentials"},
		{"a query", "https://host?x=1", "must look like"},
		{"no host", "https://", "must look like"},
		{"a word", "host", "must look like"},
		{"broken", "https://ho st:%zz", "is no URL"},
		{"nothing", "", "missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := qualys.New(qualys.Config{APIURL: tt.url, GatewayURL: "https://gateway", Username: "u", Password: "p"})
			if tt.problem == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.problem)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestPlatformsHaveTwoAddresses(t *testing.T) {
	for code, want := range map[string][2]string{
		"US1":   {"https://qualysapi.qualys.com", "https://gateway.qg1.apps.qualys.com"},
		" us2 ": {"https://qualysapi.qg2.apps.qualys.com", "https://gateway.qg2.apps.qualys.com"},
		"KSA1":  {"https://qualysapi.qg1.apps.qualysksa.com", "https://gateway.qg1.apps.qualysksa.com"},
	} {
		api, gateway, ok := qualys.Platform(code)
		assert.Equal(t, want, [2]string{api, gateway})
		assert.True(t, ok, "Platform(%q) is known", code)
		_, err := qualys.New(qualys.Config{APIURL: api, GatewayURL: gateway, Username: "u", Password: "p"})
		require.NoError(t, err)
	}
	_, _, ok := qualys.Platform("GOV1")
	assert.False(t, ok, "GOV1 is not confirmed")
}

func TestASecretDoesNotPrint(t *testing.T) {
	s := qualys.Secret("hunter2")
	cfg := qualys.Config{Username: "u", Password: s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "password", s, "config", cfg)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", s, "config", cfg)
	asJSON, err := json.Marshal(cfg.Password)
	require.NoError(t, err)
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%v %+v %#v", cfg, cfg, &cfg),
		string(asJSON), log.String(),
	} {
		assert.NotContains(t, text, "hunter2")
		assert.NotContains(t, text, fmt.Sprintf("%x", "hunter2"))
		assert.Contains(t, text, "***")
	}
	assert.Equal(t, "hunter2", s.Reveal())
}

// P62: canaries planted in answers and settings come back in no error and no log line.
func TestSecretsComeBackNowhere(t *testing.T) {
	const password = "canary+50%&tulip"
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "<responseless>%s %s password=%s form %s https://host/path?session=canary-session password: canary-other</responseless>",
				r.Header.Get("Authorization"), password, "canary-third", url.QueryEscape(password))
		}
	}
	for _, status := range []int{200, 400, 500} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/auth" {
					says(http.StatusCreated, "canary-token")(w, r)
					return
				}
				echo(status)(w, r)
			})
			cfg.Password = password
			cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c := client(t, cfg)
			_, first := c.Delete(t.Context(), []qualys.SAQUserID{1})
			_, second := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
			require.Error(t, first)
			require.Error(t, second)
			text := first.Error() + second.Error() + log.String()
			assert.NotContains(t, text, "canary")
			assert.NotContains(t, text, url.QueryEscape(password))
			assert.NotContains(t, text, "https://")
		})
	}
}

func TestNoRedirectIsFollowedAndNoCookieKept(t *testing.T) {
	var calls []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Method+" "+r.URL.Path+" "+r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "QualysSession", Value: "x"})
		http.Redirect(w, r, "/qps/rest/1.0/delete/saq/user/1", http.StatusFound)
	}))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := client(t, qualys.Config{APIURL: srv.URL, GatewayURL: srv.URL, Username: "u", Password: "p", HTTP: &http.Client{Jar: jar}})
	for range 2 {
		_, err = c.Delete(t.Context(), []qualys.SAQUserID{1})
		require.ErrorIs(t, err, qualys.ErrUnknownOutcome)
	}
	assert.Equal(t, []string{"POST /qps/rest/1.0/delete/saq/user ", "POST /qps/rest/1.0/delete/saq/user "}, calls)
}

func TestConnectionsServeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := miniqualys.RunInMemoryT(t)
		api.AddSAQUsers(1500, "Acme")
		dials := 0
		cfg := config(api)
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			return api.Dial(ctx, network, addr)
		}
		c := client(t, cfg)
		_, err := collect(t.Context(), c, nil)
		require.NoError(t, err)
		api.Fail(miniqualys.Count, 503, strings.Repeat("x", 10_000), 1)
		_, err = c.Count(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, 1, dials)
	})
}

func TestTheAdministrationMayLiveElsewhere(t *testing.T) {
	api := miniqualys.RunT(t)
	admin := miniqualys.RunT(t)
	cfg := config(api)
	cfg.AdminURL, cfg.Dial = admin.URL(), nil
	_, err := client(t, cfg).Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, qualys.ErrNotEnabled, "the other server does not know the token")
	assert.Equal(t, 2, admin.Calls(miniqualys.Download))
	assert.Equal(t, 2, api.Calls(miniqualys.Auth))
}
