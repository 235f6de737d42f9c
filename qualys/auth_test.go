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

// P48: a token expires in the middle.
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

// P48: a password is rotated.
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

// A breaker in memory, as whoever keeps one for replicas has to build it.
type breaker struct {
	mu    sync.Mutex
	keys  map[string]*attempts
	steps []qualys.LoginStep
	down  error // what it answers when it cannot be asked
}

// attempts is what a breaker knows under one key.
type attempts struct {
	refused  bool
	accepted time.Time
	settled  chan struct{} // nil while nobody tries
}

func newBreaker() *breaker { return &breaker{keys: map[string]*attempts{}} }

func (b *breaker) login(ctx context.Context, key string, step qualys.LoginStep) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.mu.Lock()
	b.steps = append(b.steps, step)
	a := b.keys[key]
	if a == nil {
		a = &attempts{}
		b.keys[key] = a
	}
	defer b.mu.Unlock()
	if step == qualys.LoginAttempt {
		for {
			switch {
			case b.down != nil:
				return b.down
			case a.refused:
				return fmt.Errorf("a replica was refused: %w", qualys.ErrCredentials)
			case time.Since(a.accepted) < time.Minute:
				return nil
			case a.settled == nil:
				a.settled = make(chan struct{})
				return nil
			}
			settled := a.settled
			b.mu.Unlock()
			select {
			case <-settled:
			case <-ctx.Done():
			}
			b.mu.Lock()
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	switch step {
	case qualys.LoginAccepted:
		a.accepted = time.Now()
	case qualys.LoginRejected:
		a.refused = true
	}
	if a.settled != nil {
		close(a.settled)
		a.settled = nil
	}
	return nil
}

// Three replicas, each with a burst of reads and writes, are refused twice in
// all: once at the API server, once at the gateway. New credentials close the
// breaker, and the clients live on all the while.
func TestReplicasAreRefusedTwiceInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := miniqualys.RunInMemoryT(t)
		api.Slow(miniqualys.Auth, time.Second)
		api.Slow(miniqualys.Count, time.Second)
		shared := newBreaker()
		cfg := config(api)
		cfg.Login, cfg.Password = shared.login, "outdated"
		cfg.GatewayURL = "http://localhost:2" // the same server under another name
		burst := func(cfg qualys.Config, kind error) {
			var wait sync.WaitGroup
			for range 3 {
				c := client(t, cfg)
				for range 5 {
					wait.Go(func() {
						_, err := c.Count(t.Context(), nil)
						assert.ErrorIs(t, err, kind)
						_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
						assert.ErrorIs(t, err, kind)
						_, err = c.Delete(t.Context(), []qualys.SAQUserID{1})
						assert.ErrorIs(t, err, kind)
						assert.NotErrorIs(t, err, qualys.ErrUnknownOutcome)
						assert.NotErrorIs(t, err, qualys.ErrUnreachable)
						assert.Equal(t, kind != nil, errors.Is(c.Refusal(), qualys.ErrCredentials), "the reason for /readyz")
					})
				}
			}
			wait.Wait()
		}
		for range 3 {
			burst(cfg, qualys.ErrCredentials)
			assert.Equal(t, 2, api.RefusedLogins(), "once at each door, for all replicas together")
		}
		assert.Len(t, shared.keys, 2, "a key for each door")
		cfg.Password = miniqualys.Password
		burst(cfg, nil)
		assert.Equal(t, 2, api.RefusedLogins())
		assert.Len(t, shared.keys, 4, "other credentials, other keys")
		for key := range shared.keys {
			assert.Regexp(t, "^[0-9a-f]{32}$", key)
		}
	})
}

// A password that is changed while nobody calls costs one attempt at each
// door, however many replicas call at once afterwards.
func TestAPasswordRotatedOvernightCostsOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := miniqualys.RunInMemoryT(t)
		shared := newBreaker()
		cfg := config(api)
		cfg.Login = shared.login
		replicas := []*qualys.Client{client(t, cfg), client(t, cfg), client(t, cfg)}
		for _, c := range replicas {
			_, err := c.Count(t.Context(), nil)
			require.NoError(t, err)
		}
		time.Sleep(8 * time.Hour)
		api.RevokeCredentials()
		api.Slow(miniqualys.Count, time.Second)
		var wait sync.WaitGroup
		for _, c := range replicas {
			for range 5 {
				wait.Go(func() {
					_, err := c.Count(t.Context(), nil)
					assert.ErrorIs(t, err, qualys.ErrCredentials)
				})
			}
		}
		wait.Wait()
		assert.Equal(t, 1, api.RefusedLogins())
	})
}

// Every attempt that is allowed is followed by one word about it, also after
// the caller has gone.
func TestABreakerHearsOfEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := miniqualys.RunInMemoryT(t)
		shared := newBreaker()
		cfg := config(api)
		cfg.Login = shared.login
		c := client(t, cfg)
		steps := func() []qualys.LoginStep {
			defer func() { shared.steps = nil }()
			return shared.steps
		}

		api.Hang(miniqualys.Delete, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Delete(ctx, []qualys.SAQUserID{1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []qualys.LoginStep{qualys.LoginAttempt, qualys.LoginUnclear}, steps(), "no answer")

		_, err = c.Count(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, []qualys.LoginStep{qualys.LoginAttempt, qualys.LoginAccepted}, steps())

		api.DenyAPI(true)
		_, err = c.Count(t.Context(), nil)
		require.ErrorIs(t, err, qualys.ErrPermission)
		assert.Equal(t, []qualys.LoginStep{qualys.LoginAttempt, qualys.LoginAccepted}, steps(), "only an account is told about its rights")

		api.RevokeCredentials()
		_, err = c.Count(t.Context(), nil)
		require.ErrorIs(t, err, qualys.ErrCredentials)
		assert.Equal(t, []qualys.LoginStep{qualys.LoginAttempt, qualys.LoginRejected}, steps())

		_, err = c.Count(t.Context(), nil)
		require.ErrorIs(t, err, qualys.ErrCredentials)
		assert.Empty(t, steps(), "who was refused asks nobody")
	})
}

func TestABreakerThatCannotBeAskedForbids(t *testing.T) {
	api := miniqualys.RunT(t)
	shared := newBreaker()
	shared.down = errors.New("Redis does not answer")
	cfg := config(api)
	cfg.Login = shared.login
	c := client(t, cfg)
	_, err := c.Count(t.Context(), nil)
	require.ErrorIs(t, err, shared.down)
	_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, shared.down)
	require.NoError(t, c.Refusal(), "it comes back when Redis does")
	assert.Empty(t, api.Requests())

	shared.down = nil
	_, err = c.Count(t.Context(), nil)
	require.NoError(t, err)
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

// Qualys documents 201; a proxy or a later version may say otherwise.
func TestATokenIsTakenWithAnySuccess(t *testing.T) {
	for _, status := range []int{200, 201, 202} {
		api, c := setup(t)
		api.Fail(miniqualys.Auth, status, jwt(`{"sub":"portal_name"}`)+"\r\n", -1)
		_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
		require.ErrorIs(t, err, qualys.ErrNotEnabled, "nobody knows this token")
		assert.Contains(t, c.Logins(), "portal_name", status)
	}
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
		{"a sentence", 200, "Please log in", nil},
		{"a refusal that calls itself a success", 200, `{"status":401,"error":"Unauthorized"}`, qualys.ErrCredentials},
		{"two lines", 200, jwt(`{}`) + "\n" + jwt(`{}`), nil},
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
