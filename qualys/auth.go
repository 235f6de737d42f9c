package qualys

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// tokenLife is how long a token of the gateway lives if it does not say so
// itself, and renewEarly how long before its end it is replaced.
const (
	tokenLife  = 4 * time.Hour
	renewEarly = 10 * time.Minute
)

// tokens keeps the gateway's token. One caller renews it while the others wait.
type tokens struct {
	renew *semaphore.Weighted

	mu  sync.Mutex // guards now, never held while waiting
	now token
}

// A token is a JWT. Its signature is the gateway's business; we read when to
// renew it, and whom it names.
type token struct {
	value   string
	subject string
	renewAt time.Time
}

func newTokens() *tokens { return &tokens{renew: semaphore.NewWeighted(1)} }

func (t *tokens) current() token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

func (t *tokens) keep(n token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = n
}

func (t *tokens) subject() string { return t.current().subject }

// token returns a token that is neither about to expire nor the spent one.
func (c *Client) token(ctx context.Context, spent string) (string, error) {
	good := func() (string, bool) {
		t := c.tokens.current()
		return t.value, t.value != "" && t.value != spent && time.Now().Before(t.renewAt)
	}
	if value, ok := good(); ok {
		return value, nil
	}
	if err := c.tokens.renew.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("auth: %w", context.Cause(ctx))
	}
	defer c.tokens.renew.Release(1)
	if value, ok := good(); ok {
		return value, nil
	}
	t, err := c.login(ctx)
	if err != nil {
		return "", err
	}
	c.tokens.keep(t)
	return t.value, nil
}

// login asks the gateway for a token: POST /auth, a form, answered by 201 and
// the token itself. The call is exempt from rate limits.
//
// Source: https://docs.qualys.com/en/oca/api/v2/version_2_apis/fetch_authentication_token.htm
func (c *Client) login(ctx context.Context) (token, error) {
	leave, err := c.bearer.enter(ctx, "auth")
	if err != nil {
		return token{}, fmt.Errorf("auth: %w", err)
	}
	form := url.Values{"username": {c.username}, "password": {c.password.Reveal()}, "token": {"true"}}
	k := call{
		op: "auth", method: http.MethodPost, url: c.gateway + "/auth",
		accept: "text/plain, */*;q=0.1", content: "application/x-www-form-urlencoded",
		body: []byte(form.Encode()), success: http.StatusCreated,
	}
	var t token
	err = c.do(ctx, k, func(_ *http.Response, body io.Reader) error {
		text, err := io.ReadAll(&capped{r: body, n: errorLimit})
		if err != nil {
			return err
		}
		t, err = readToken(strings.TrimSpace(string(text)), time.Now())
		return err
	})
	leave(err)
	return t, err
}

// readToken reads the claims. A clock that is wrong does not matter where the
// token says when it was issued.
func readToken(value string, now time.Time) (token, error) {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return token{}, errors.New("the answer is no token")
	}
	t := token{value: value}
	var claims struct {
		Subject string  `json:"sub"`
		Expires float64 `json:"exp"`
		Issued  float64 `json:"iat"`
	}
	if parts := strings.Split(value, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "=")); err == nil {
			_ = json.Unmarshal(text, &claims) // a token we cannot read still opens the door
		}
	}
	t.subject = claims.Subject
	from := claims.Issued
	if from == 0 {
		from = float64(now.Unix())
	}
	life := tokenLife
	if s := claims.Expires - from; claims.Expires > 0 && s > 0 && s < tokenLife.Seconds()*24 {
		life = time.Duration(s * float64(time.Second))
	}
	t.renewAt = now.Add(life - min(renewEarly, life/10))
	return t, nil
}

// withToken shows the gateway's token. One 401 may mean that it was revoked
// early: it is renewed once.
func (c *Client) withToken(ctx context.Context, k call, use func(*http.Response, io.Reader) error) error {
	spent := ""
	for {
		value, err := c.token(ctx, spent)
		if err != nil {
			return err
		}
		k.authorize = func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+value) }
		err = c.do(ctx, k, use)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Status != http.StatusUnauthorized || spent != "" {
			return err
		}
		spent = value
	}
}
