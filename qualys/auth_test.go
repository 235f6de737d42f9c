package qualys_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestATokenIsUsedUntilShortlyBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.AddPlatformUsers(1)
		for _, tt := range []struct {
			pass   time.Duration
			logins int
		}{{0, 1}, {time.Hour, 1}, {2*time.Hour + 49*time.Minute, 1}, {2 * time.Minute, 2}, {time.Hour, 2}} {
			time.Sleep(tt.pass)
			_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
			require.NoError(t, err)
			assert.Equal(t, tt.logins, api.Calls(miniqualys.Auth), "after %v more", tt.pass)
		}
	})
}

func TestASpentTokenIsRenewedOnce(t *testing.T) {
	api, c := setup(t)
	api.AddPlatformUsers(1)
	_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.NoError(t, err)

	api.ExpireTokens()
	_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.NoError(t, err, "one refresh, then it goes on")
	assert.Equal(t, 2, api.Calls(miniqualys.Auth))

	api.Fail(miniqualys.Download, 401, `{"status":401,"error":"Unauthorized","message":"JWT expired"}`, -1)
	_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, qualys.ErrNotEnabled, "a fresh token that is refused means something else")
	assert.Equal(t, 3, api.Calls(miniqualys.Auth))
}

func TestOneRefreshServesABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.Slow(miniqualys.Auth, time.Second)
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
				assert.NoError(t, err)
			})
		}
		wait.Wait()
		assert.Equal(t, 1, api.Calls(miniqualys.Auth))
	})
}

func TestRefusedCredentialsAreShownTwiceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.RevokeCredentials()
		require.NoError(t, c.Refusal())
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				_, err := c.Count(t.Context(), nil)
				assert.ErrorIs(t, err, qualys.ErrCredentials)
				_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
				assert.ErrorIs(t, err, qualys.ErrCredentials)
				_, err = c.Delete(t.Context(), []qualys.SAQUserID{1})
				assert.ErrorIs(t, err, qualys.ErrCredentials)
				assert.NotErrorIs(t, err, qualys.ErrUnknownOutcome)
			})
		}
		wait.Wait()
		assert.Equal(t, 2, api.RefusedLogins(), "once at each door")
		require.ErrorIs(t, c.Refusal(), qualys.ErrCredentials)
	})
}

func TestAPasswordRotatedMeanwhileStopsTheNextCall(t *testing.T) {
	api, c := setup(t)
	_, err := c.Count(t.Context(), nil)
	require.NoError(t, err)
	api.RevokeCredentials()
	for range 3 {
		_, err = c.Count(t.Context(), nil)
		require.ErrorIs(t, err, qualys.ErrCredentials)
	}
	assert.Equal(t, 1, api.RefusedLogins())
}

func TestUnprovenCredentialsAreNotShownAgainAfterALostAnswer(t *testing.T) {
	api, c := setup(t)
	api.LoseAnswers(miniqualys.Count, -1)
	_, err := c.Count(t.Context(), nil)
	require.ErrorIs(t, err, qualys.ErrUnreachable)
	assert.Equal(t, 1, api.Calls(miniqualys.Count))
}

func TestLoginIsAskedUntilCredentialsAreProven(t *testing.T) {
	api := miniqualys.RunT(t)
	var asked int
	tooMany := errors.New("another replica was refused")
	answer := tooMany
	cfg := config(api)
	cfg.Login = func(context.Context) error { asked++; return answer }
	c := client(t, cfg)

	_, err := c.Count(t.Context(), nil)
	require.ErrorIs(t, err, tooMany)
	_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, tooMany)
	assert.Empty(t, api.Requests())

	answer = nil
	for range 3 {
		_, err = c.Count(t.Context(), nil)
		require.NoError(t, err)
	}
	assert.Equal(t, 3, asked, "two refusals, and one attempt that was accepted")
}

func TestTheAccountIsKnown(t *testing.T) {
	api, c := setup(t)
	assert.Equal(t, miniqualys.Username, c.Account())
	_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, []string{miniqualys.Username}, c.Logins())

	api.Fail(miniqualys.Auth, http.StatusCreated, jwt(`{"sub":"portal_name"}`), -1)
	c = client(t, config(api))
	_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, qualys.ErrNotEnabled, "nobody knows this token")
	assert.Equal(t, miniqualys.Username, c.Account())
	assert.Equal(t, []string{miniqualys.Username, "portal_name"}, c.Logins())
}

func jwt(claims string) string {
	return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestAnAnswerOfAuthThatIsNoToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		kind   error
	}{
		{"a page", 201, "<html><title>Welcome</title></html>", nil},
		{"nothing", 201, "", nil},
		{"not created", 200, "token", nil},
		{"refused", 401, `{"authentication_exceptions":[["com.qualys.auth.exceptions.InvalidCredentialsException"]]}`, qualys.ErrCredentials},
		{"forbidden", 403, "", qualys.ErrPermission},
		{"no such path", 404, "", qualys.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := inMemory(t)
				api.Fail(miniqualys.Auth, tt.status, tt.body, -1)
				_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
				require.Error(t, err)
				if tt.kind != nil {
					require.ErrorIs(t, err, tt.kind)
					assert.Equal(t, 1, api.Calls(miniqualys.Auth), fmt.Sprint(err))
				}
			})
		})
	}
}
