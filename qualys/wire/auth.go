package wire

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
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

// Basic makes one attempt of a call to the API server, which is shown the
// credentials with every call. Use reads the answer's body to its end; it is
// called for a status that is a success. Whatever goes wrong comes back as an
// [*Error], except for what use marked as [Ours], what a [Login] forbade, and a
// ctx that ended before anything was sent.
func (l *Line) Basic(ctx context.Context, k Call, use func(io.Reader) error) error {
	leave, err := l.basic.enter(ctx, k.Op)
	if err != nil {
		return err
	}
	k.base = l.api
	k.authorize = func(req *http.Request) { req.SetBasicAuth(l.username, l.password.Reveal()) }
	err = l.do(ctx, k, use)
	leave(err)
	return err
}

// Bearer makes one attempt of a call to the Administration API, which is shown
// the gateway's token. One 401 may mean that the token was revoked early: it is
// renewed once. Use and the error are those of [Line.Basic].
func (l *Line) Bearer(ctx context.Context, k Call, use func(io.Reader) error) error {
	k.base = l.admin
	spent := ""
	for {
		value, err := l.token(ctx, spent)
		if err != nil {
			return err
		}
		k.authorize = func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+value) }
		err = l.do(ctx, k, use)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Status != http.StatusUnauthorized || spent != "" {
			return err
		}
		spent = value
	}
}

// token returns a token that is neither about to expire nor the spent one.
func (l *Line) token(ctx context.Context, spent string) (string, error) {
	good := func() (string, bool) {
		t := l.tokens.current()
		return t.value, t.value != "" && t.value != spent && time.Now().Before(t.renewAt)
	}
	if value, ok := good(); ok {
		return value, nil
	}
	if err := l.tokens.renew.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("auth: %w", context.Cause(ctx))
	}
	defer l.tokens.renew.Release(1)
	if value, ok := good(); ok {
		return value, nil
	}
	t, err := l.logIn(ctx)
	if err != nil {
		return "", err
	}
	l.tokens.keep(t)
	return t.value, nil
}

// logIn asks the gateway for a token: POST /auth, a form, answered by 201 (or
// another 2xx) and the token itself. The call is exempt from rate limits.
//
// Source: https://docs.qualys.com/en/oca/api/v2/version_2_apis/fetch_authentication_token.htm
func (l *Line) logIn(ctx context.Context) (token, error) {
	leave, err := l.bearer.enter(ctx, "auth")
	if err != nil {
		return token{}, err
	}
	form := url.Values{"username": {l.username}, "password": {l.password.Reveal()}, "token": {"true"}}
	k := Call{
		Op: "auth", Method: http.MethodPost, Path: "/auth",
		Accept: "text/plain, */*;q=0.1", Content: "application/x-www-form-urlencoded",
		Body: []byte(form.Encode()), base: l.gateway,
	}
	var t token
	err = l.do(ctx, k, func(body io.Reader) error {
		text, err := io.ReadAll(&capped{r: body, n: errorLimit})
		if err != nil {
			return err
		}
		value := bare(text)
		t, err = readToken(value, time.Now())
		if err != nil && strings.HasPrefix(value, "{") { // anything else could be a token, and is not repeated
			return l.Unexpected(text, err)
		}
		return err
	})
	leave(err)
	return t, err
}

// bare returns the token of an answer: the text itself, as documented, or one in
// JSON, as other services wrap it.
func bare(text []byte) string {
	var quoted string
	var named struct {
		Token  string
		Access string `json:"access_token"`
	}
	_ = json.Unmarshal(text, &quoted) // what it is not, it is not
	_ = json.Unmarshal(text, &named)
	return strings.TrimSpace(cmp.Or(quoted, named.Token, named.Access, string(text)))
}

// tokenShape is what may stand behind "Bearer" (RFC 6750): no page, no JSON.
var tokenShape = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// readToken reads the claims. A clock that is wrong does not matter where the
// token says when it was issued.
func readToken(value string, now time.Time) (token, error) {
	if !tokenShape.MatchString(value) {
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
