package miniqualys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The account that a new server knows. The password is changed on its way by
// any client that does not encode its form.
const (
	Username = "quays_wy40"
	Password = "tulip+7&40%20oaks"
)

// firstPortalID numbers the accounts in the portal; it never meets the id of a
// SAQ user.
const firstPortalID = 612_840_115

// An account may call the APIs.
type account struct {
	username string
	password string
	fullName string
	portalID int64
	refused  int // since it was last accepted
	locked   bool
}

// accounts is everybody who may log in. The server's mutex guards it.
type accounts struct {
	list      []*account // the first is the one that SetCredentials changes
	tokens    map[string]token
	key       []byte
	life      time.Duration
	minted    int
	refused   int
	lockAfter int
	revoked   bool
	denied    bool
}

// A token is a JWT that was given out.
type token struct {
	account *account
	expires time.Time
}

func newAccounts() accounts {
	first := &account{username: Username, password: Password, fullName: "John Doe", portalID: firstPortalID}
	return accounts{list: []*account{first}, tokens: map[string]token{}, key: newKey(), life: 4 * time.Hour}
}

// SetCredentials changes the first account: its password, perhaps its login. It
// ends a lock and RevokeCredentials. Tokens live on until they expire.
func (s *Server) SetCredentials(username, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts.list[0]
	a.username, a.password, a.refused, a.locked = username, password, 0, false
	s.accounts.revoked = false
}

// AddAccount lets another account in. Its full name stands in its downloads.
func (s *Server) AddAccount(username, password, fullName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.list = append(s.accounts.list, &account{
		username: username, password: password, fullName: fullName,
		portalID: firstPortalID + int64(len(s.accounts.list)),
	})
}

// RevokeCredentials refuses every password and every token, until
// SetCredentials.
func (s *Server) RevokeCredentials() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.revoked = true
	clear(s.accounts.tokens)
}

// ExpireTokens ends every token that was given out; new ones are as good as
// ever.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.accounts.tokens)
}

// SetTokenLife says how long new tokens live. It begins with four hours.
func (s *Server) SetTokenLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.life = d
}

// LockAfter locks an account after n refused logins in a row: the right
// password is refused as well, until SetCredentials. Zero, as at the beginning,
// never locks.
func (s *Server) LockAfter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.lockAfter = n
}

// DenyAPI takes the permission to use the Questionnaire's API away, or gives it
// back: the password is right, the answer UNAUTHORIZED.
func (s *Server) DenyAPI(deny bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.denied = deny
}

// RefusedLogins says how often a user name and password were refused, at /auth
// and at /qps together.
func (s *Server) RefusedLogins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts.refused
}

// Locked reports whether the account is locked.
func (s *Server) Locked(username string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts.named(username)
	return a != nil && a.locked
}

func (a *accounts) named(username string) *account {
	for _, account := range a.list {
		if account.username == username {
			return account
		}
	}
	return nil
}

// login returns the account, or nil for a refusal, which it counts.
func (a *accounts) login(username, password string) *account {
	who := a.named(username)
	if who != nil && !who.locked && !a.revoked && who.password == password {
		who.refused = 0
		return who
	}
	a.refused++
	if who != nil {
		who.refused++
		who.locked = who.locked || a.lockAfter > 0 && who.refused >= a.lockAfter
	}
	return nil
}

// authenticate is POST /auth.
func (s *Server) authenticate(r *http.Request, body []byte) reply {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(body))
	if kind != "application/x-www-form-urlencoded" || err != nil {
		return problem(http.StatusUnsupportedMediaType, "The body of /auth is a form.")
	}
	if form.Get("token") != "true" {
		return problem(http.StatusBadRequest, "The form lacks token=true.")
	}
	who := s.accounts.login(form.Get("username"), form.Get("password"))
	if who == nil {
		return asJSON(http.StatusUnauthorized, map[string]any{
			"authentication_exceptions": [][]string{{"com.qualys.auth.exceptions.InvalidCredentialsException"}},
		})
	}
	return reply{status: http.StatusCreated, kind: "text/plain; charset=utf-8", body: []byte(s.mint(who))}
}

// claims is what a token says.
type claims struct {
	Subject        string   `json:"sub"`
	Issuer         string   `json:"iss"`
	PortalUserID   int64    `json:"portalUserId"`
	QwebUserID     int64    `json:"qwebUserId"`
	UserType       string   `json:"usertype"`
	ModulesAllowed []string `json:"modulesAllowed"`
	Issued         int64    `json:"iat"`
	Expires        int64    `json:"exp"`
	Number         int      `json:"jti"`
}

// mint makes a token and remembers it.
func (s *Server) mint(who *account) string {
	s.accounts.minted++
	now := s.now()
	expires := now.Add(s.accounts.life)
	payload, _ := json.Marshal(claims{ // holds nothing that could fail
		Subject: who.username, Issuer: "qas",
		PortalUserID: who.portalID, QwebUserID: who.portalID % 10_000_000, UserType: "QWEB",
		ModulesAllowed: []string{"ADMIN", "ITAM", "QUESTIONNAIRE", "QWEB_VM"},
		Issued:         now.Unix(), Expires: expires.Unix(), Number: s.accounts.minted,
	})
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, s.accounts.key)
	mac.Write([]byte(text))
	text += "." + encode(mac.Sum(nil))
	s.accounts.tokens[text] = token{account: who, expires: expires}
	return text
}

// bearer returns the account behind a request's token, or a refusal.
func (s *Server) bearer(r *http.Request) (*account, *reply) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	message := "Not authenticated"
	if strings.EqualFold(scheme, "Bearer") {
		t, ok := s.accounts.tokens[text]
		if ok && s.now().Before(t.expires) {
			return t.account, nil
		}
		delete(s.accounts.tokens, text)
		message = "JWT expired"
	}
	refused := problem(http.StatusUnauthorized, message)
	return nil, &refused
}

// basic returns a refusal, or nil for an account that may use /qps.
func (s *Server) basic(r *http.Request) *refusal {
	username, password, ok := r.BasicAuth()
	if !ok {
		return &refusal{code: "AUTH_CREDENTIALS_NEEDED", message: "Authentication credentials are needed.",
			resolution: "Provide the user name and the password."}
	}
	if s.accounts.login(username, password) == nil {
		return &refusal{code: "INVALID_CREDENTIALS", message: "Authentication failed",
			resolution: "Please verify the user name and the password."}
	}
	if s.accounts.denied {
		return &refusal{code: "UNAUTHORIZED", message: "User is not authorized to access the application through the API.",
			resolution: "Please contact your account manager."}
	}
	return nil
}

// problem is an error of the gateway.
func problem(status int, message string) reply {
	return asJSON(status, struct {
		Status  int    `json:"status"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}{status, http.StatusText(status), message})
}

func asJSON(status int, v any) reply {
	body, _ := json.Marshal(v) // plain values only
	return reply{status: status, kind: "application/json", body: body}
}
