package miniqualys

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALoginGivesAToken(t *testing.T) {
	api, c := begin(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	api.SetTime(now)
	res, text := c.login(Username, Password)
	require.Equal(t, http.StatusCreated, res.StatusCode)
	parts := strings.Split(text, ".")
	require.Len(t, parts, 3, text)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var says claims
	require.NoError(t, json.Unmarshal(payload, &says))
	assert.Equal(t, Username, says.Subject)
	assert.Equal(t, "qas", says.Issuer)
	assert.EqualValues(t, firstPortalID, says.PortalUserID)
	assert.InDelta(t, now.Add(4*time.Hour).Unix(), says.Expires, 30)
	_, again := c.login(Username, Password)
	assert.NotEqual(t, text, again)
	assert.Zero(t, api.RefusedLogins())
}

func TestRefusedLogins(t *testing.T) {
	form := "application/x-www-form-urlencoded"
	good := url.Values{"username": {Username}, "password": {Password}, "token": {"true"}}.Encode()
	for _, refused := range []struct {
		name, body, kind, says string
		status, counted        int
	}{
		{"wrong password", "username=quays_wy40&password=x&token=true", form, "InvalidCredentialsException", 401, 1},
		{"unknown login", "username=nobody&password=x&token=true", form, "InvalidCredentialsException", 401, 1},
		{"a form that is not encoded", "username=" + Username + "&password=" + Password + "&token=true", form, "InvalidCredentialsException", 401, 1},
		{"no token asked for", strings.ReplaceAll(good, "token=true", "token="), form, "token=true", 400, 0},
		{"JSON", `{"username":"quays_wy40"}`, "application/json", "form", 415, 0},
		{"broken form", "a=%zz", form, "form", 415, 0},
	} {
		t.Run(refused.name, func(t *testing.T) {
			api, c := begin(t)
			res, text, err := c.do("POST", "/auth", refused.body, "Content-Type", refused.kind)
			require.NoError(t, err)
			assert.Equal(t, refused.status, res.StatusCode)
			assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
			assert.Contains(t, text, refused.says)
			assert.Equal(t, refused.counted, api.RefusedLogins())
		})
	}
}

func TestAnAccountIsLockedAfterTooManyRefusals(t *testing.T) {
	api, c := begin(t)
	api.LockAfter(3)
	for range 2 {
		c.login(Username, "wrong")
	}
	c.token() // being accepted starts the count anew
	for range 2 {
		c.login(Username, "wrong")
	}
	require.False(t, api.Locked(Username))
	wrong := base64.StdEncoding.EncodeToString([]byte(Username + ":wrong"))
	_, text, err := c.do("GET", versionPath, "", "Authorization", "Basic "+wrong)
	require.NoError(t, err)
	require.Contains(t, text, "INVALID_CREDENTIALS")
	require.True(t, api.Locked(Username), "both ways of logging in count")
	require.False(t, api.Locked("nobody"))

	res, _ := c.login(Username, Password)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "the right password does not help")
	assert.Equal(t, "INVALID_CREDENTIALS", c.saq(Count, ask()).Code)
	assert.Equal(t, 7, api.RefusedLogins())

	api.SetCredentials(Username, Password)
	assert.Equal(t, "SUCCESS", c.saq(Count, ask()).Code)
}

func TestTokensEnd(t *testing.T) {
	for _, end := range []struct {
		name, token, says string
		turn              func(*Server)
		status            int
	}{
		{"a good one", "", "USERNAME", func(*Server) {}, 200},
		{"nearly four hours old", "", "USERNAME", func(s *Server) { s.Advance(4*time.Hour - time.Minute) }, 200},
		{"four hours old", "", "JWT expired", func(s *Server) { s.Advance(4 * time.Hour) }, 401},
		{"ended", "", "JWT expired", (*Server).ExpireTokens, 401},
		{"revoked", "", "JWT expired", (*Server).RevokeCredentials, 401},
		{"the password changed", "", "USERNAME", func(s *Server) { s.SetCredentials(Username, "new") }, 200},
		{"unknown", "Bearer abc.def.ghi", "JWT expired", func(*Server) {}, 401},
		{"another scheme", "Basic abc", "Not authenticated", func(*Server) {}, 401},
	} {
		t.Run(end.name, func(t *testing.T) {
			api, c := begin(t)
			token := end.token
			if token == "" {
				token = "Bearer " + c.token()
			}
			end.turn(api)
			res, text, err := c.do("POST", downloadQuery, wanted(1, 0, "ASC", ""), "Content-Type", "application/json", "Authorization", token)
			require.NoError(t, err)
			assert.Equal(t, end.status, res.StatusCode)
			assert.Contains(t, text, end.says)
			if end.status == 401 {
				assert.JSONEq(t, `{"status":401,"error":"Unauthorized","message":"`+end.says+`"}`, text)
			}
		})
	}
}

func TestTheLifeOfATokenIsAKnob(t *testing.T) {
	api, c := begin(t)
	api.SetTokenLife(-time.Second)
	res, _ := c.get(wanted(1, 0, "ASC", ""))
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
}

func TestQPSRefusesWithHTTP200(t *testing.T) {
	basic := func(user, pass string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+pass))
	}
	for _, refused := range []struct {
		name, header, code string
		turn               func(*Server)
	}{
		{"nobody logs in", "none", "AUTH_CREDENTIALS_NEEDED", func(*Server) {}},
		{"wrong password", basic(Username, "x"), "INVALID_CREDENTIALS", func(*Server) {}},
		{"revoked", basic(Username, Password), "INVALID_CREDENTIALS", (*Server).RevokeCredentials},
		{"no permission", basic(Username, Password), "UNAUTHORIZED", func(s *Server) { s.DenyAPI(true) }},
		{"a second account", basic("second", "pw"), "SUCCESS", func(s *Server) { s.AddAccount("second", "pw", "Jane Roe") }},
	} {
		t.Run(refused.name, func(t *testing.T) {
			api, c := begin(t)
			api.AddSAQUsers(1, "Acme")
			refused.turn(api)
			for _, op := range []Op{Search, Count, Delete} {
				_, text, err := c.do("POST", saqPrefix+string(op)+saqSuffix, ask("company", "EQUALS", "Globex"),
					"Content-Type", "text/xml", "Authorization", refused.header)
				require.NoError(t, err)
				assert.Equal(t, refused.code, readAnswer(t, text).Code)
			}
			res, text, err := c.do("GET", versionPath, "", "Authorization", refused.header)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.Equal(t, refused.code, readAnswer(t, text).Code)
			assert.Contains(t, text, "hostasset.xsd", "the wrong schema, as recorded")
			assert.Len(t, api.SAQUsers(), 1)
		})
	}
}

func TestTheVersionNamesTheQuestionnaire(t *testing.T) {
	_, c := begin(t)
	_, text, err := c.do("GET", versionPath+"/", "")
	require.NoError(t, err)
	assert.Contains(t, text, "<QUESTIONNAIRE-VERSION>")
	assert.Equal(t, "SUCCESS", readAnswer(t, text).Code)
}

func TestADownloadSaysWhoAsked(t *testing.T) {
	api, c := begin(t)
	api.SetCredentials("acme_op", Password)
	api.AddAccount("second", "pw", "Jane Roe")
	_, token := c.login("second", "pw")
	_, text, err := c.do("POST", downloadQuery, wanted(1, 0, "ASC", ""), "Content-Type", "application/json", "Authorization", "Bearer "+token)
	require.NoError(t, err)
	assert.Contains(t, text, "\"Jane Roe\",\"second\"\n")
	res, _ := c.login(Username, Password)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "the first account has another login now")
}
