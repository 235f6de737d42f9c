package app

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/qualys"
)

// Settings are what an operator says, by flag or environment variable. The tags
// are read by the command line of cmd/bot; the zero value is no valid set.
type Settings struct {
	SlackBotToken qualys.Secret `env:"SLACK_BOT_TOKEN" help:"Bot token of the Slack app (xoxb-…)."`
	SlackAppToken qualys.Secret `env:"SLACK_APP_TOKEN" help:"App-level token with connections:write (xapp-…)."`
	SlackAPIURL   string        `env:"SLACK_API_URL" name:"slack-api-url" default:"https://slack.com/api/" help:"Slack's Web API; another one for a simulator."`

	QualysPlatform   string        `env:"QUALYS_PLATFORM" help:"Qualys platform, US1 to KSA1; stands for the two URLs."`
	QualysAPIURL     string        `env:"QUALYS_API_URL" name:"qualys-api-url" help:"Qualys API server, which serves /qps."`
	QualysGatewayURL string        `env:"QUALYS_GATEWAY_URL" name:"qualys-gateway-url" help:"Qualys gateway, which serves /auth and /adminui."`
	QualysAdminURL   string        `env:"QUALYS_ADMIN_URL" name:"qualys-admin-url" help:"Where /adminui is, if not on the gateway."`
	QualysUsername   string        `env:"QUALYS_USERNAME" help:"Login of the API account."`
	QualysPassword   qualys.Secret `env:"QUALYS_PASSWORD" help:"Its password."`

	RedisURL qualys.Secret `env:"REDIS_URL" name:"redis-url" help:"redis:// or rediss://; Sentinel by ?master_name=, Cluster by ?cluster=true."`

	CountersignKey    qualys.Secret `env:"COUNTERSIGN_KEY" help:"32 random bytes in base64; bot keygen makes one."`
	CountersignKeyOld qualys.Secret `env:"COUNTERSIGN_KEY_OLD" help:"The former key, after a change: opens what it sealed."`
	CountersignTenant string        `env:"COUNTERSIGN_TENANT" default:"default" help:"Name of this installation in Redis and in the trail."`

	PolicyFile string `env:"POLICY_FILE" default:"policy.yaml" help:"Who may do what."`
	SpoolDir   string `env:"SPOOL_DIR" help:"Where CSVs are written before their upload; the system's by default."`
	ListenAddr string `env:"LISTEN_ADDR" default:"127.0.0.1:8080" help:"Serves /livez, /readyz and /metrics."`
	LogLevel   string `env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat  string `env:"LOG_FORMAT" default:"text" help:"text or json."`
}

// Secrets are the variables that may also be given as NAME_FILE, a file that
// holds the value.
var Secrets = []string{
	"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "QUALYS_PASSWORD", "REDIS_URL", "COUNTERSIGN_KEY", "COUNTERSIGN_KEY_OLD",
}

// ReadSecretFiles puts the content of every NAME_FILE into the environment
// under NAME, where the flags look for it. Both at once is a mistake.
func ReadSecretFiles() error {
	var errs []error
	for _, name := range Secrets {
		path := os.Getenv(name + "_FILE")
		if path == "" {
			continue
		}
		if os.Getenv(name) != "" {
			errs = append(errs, fmt.Errorf("%s and %s_FILE are both set. Keep one of them", name, name))
			continue
		}
		value, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s_FILE: %w", name, err))
			continue
		}
		errs = append(errs, os.Setenv(name, strings.TrimSpace(string(value))))
	}
	return errors.Join(errs...)
}

// A problem is something that is missing or wrong in the settings.
type problem struct {
	of      []string // the settings it is about
	missing bool
	err     error
}

// Check reports everything that is missing or wrong in the settings, all at
// once; it fills in the URLs of the platform, and the slash that Slack's lacks.
func (s *Settings) Check() error { return joined(s.problems()) }

// joined makes one error of problems, or nil of none.
func joined(problems []problem) error {
	var errs []error
	for _, p := range problems {
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

func (s *Settings) problems() []problem {
	problems := slices.Concat(s.missing(), s.platform(), s.tokens())
	wrong := func(name string, err error) {
		if err != nil {
			problems = append(problems, problem{of: []string{name}, err: err})
		}
	}
	if s.SlackAPIURL != "" && !strings.HasSuffix(s.SlackAPIURL, "/") {
		s.SlackAPIURL += "/"
	}
	for _, u := range []struct{ name, raw string }{
		{"SLACK_API_URL", s.SlackAPIURL}, {"QUALYS_API_URL", s.QualysAPIURL},
		{"QUALYS_GATEWAY_URL", s.QualysGatewayURL}, {"QUALYS_ADMIN_URL", s.QualysAdminURL},
	} {
		if u.raw != "" {
			wrong(u.name, safeURL(u.name, u.raw))
		}
	}
	if s.CountersignTenant == "" || strings.ContainsAny(s.CountersignTenant, "{} \t\n") {
		wrong("COUNTERSIGN_TENANT", fmt.Errorf("COUNTERSIGN_TENANT %q is no name. Use letters, digits and hyphens", s.CountersignTenant))
	}
	wrong("SPOOL_DIR", s.spool())
	_, err := s.keys()
	wrong("COUNTERSIGN_KEY", err)
	_, err = s.Logger(nil)
	wrong("LOG_LEVEL", err)
	return problems
}

// missing are the settings that have no default and are not set.
func (s *Settings) missing() []problem {
	var problems []problem
	for _, needed := range []struct{ value, name, hint string }{
		{s.SlackBotToken.Reveal(), "SLACK_BOT_TOKEN", "Slack app → OAuth & Permissions → Bot User OAuth Token (xoxb-…)"},
		{s.SlackAppToken.Reveal(), "SLACK_APP_TOKEN", "Slack app → Basic Information → App-Level Tokens, scope connections:write (xapp-…)"},
		{s.QualysUsername, "QUALYS_USERNAME", "The login of the Qualys account with API access"},
		{s.QualysPassword.Reveal(), "QUALYS_PASSWORD", "Its password, or QUALYS_PASSWORD_FILE"},
		{s.RedisURL.Reveal(), "REDIS_URL", "Such as redis://localhost:6379/0. There is no default, so that no plan waits where nobody meant it to"},
		{s.CountersignKey.Reveal(), "COUNTERSIGN_KEY", "Load the file that has it, or make one: bot keygen"},
	} {
		if needed.value == "" {
			problems = append(problems, problem{[]string{needed.name}, true, fmt.Errorf("%s is not set. %s", needed.name, needed.hint)})
		}
	}
	return problems
}

// tokens looks whether each of Slack's two tokens stands where it belongs.
func (s *Settings) tokens() []problem {
	bot, app := s.SlackBotToken.Reveal(), s.SlackAppToken.Reveal()
	if strings.HasPrefix(bot, "xapp-") && strings.HasPrefix(app, "xoxb-") {
		return []problem{{of: []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}, err: errors.New(
			"SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped. The bot token begins with xoxb-, the app-level token with xapp-")}}
	}
	var problems []problem
	if bot != "" && !strings.HasPrefix(bot, "xoxb-") {
		problems = append(problems, problem{of: []string{"SLACK_BOT_TOKEN"}, err: errors.New(
			"SLACK_BOT_TOKEN is not a bot token. It begins with xoxb-")})
	}
	if app != "" && !strings.HasPrefix(app, "xapp-") {
		problems = append(problems, problem{of: []string{"SLACK_APP_TOKEN"}, err: errors.New(
			"SLACK_APP_TOKEN is not an app-level token. It begins with xapp-")})
	}
	return problems
}

// platform fills in the URLs that QUALYS_PLATFORM stands for.
func (s *Settings) platform() []problem {
	of := []string{"QUALYS_PLATFORM"}
	if s.QualysPlatform != "" {
		api, gateway, ok := qualys.Platform(s.QualysPlatform)
		if !ok {
			return []problem{{of: of, err: fmt.Errorf("QUALYS_PLATFORM %q is not known. Use US1 to US4, EU1 to EU3, IN1, CA1, AE1, UK1, AU1 or KSA1, or give QUALYS_API_URL and QUALYS_GATEWAY_URL", s.QualysPlatform)}}
		}
		s.QualysAPIURL = cmp.Or(s.QualysAPIURL, api)
		s.QualysGatewayURL = cmp.Or(s.QualysGatewayURL, gateway)
	}
	if s.QualysAPIURL == "" || s.QualysGatewayURL == "" {
		return []problem{{of, true, errors.New("QUALYS_PLATFORM is not set. The platform's name stands on Qualys' Help → About page; or give both QUALYS_API_URL and QUALYS_GATEWAY_URL")}}
	}
	return nil
}

// spool tries whether a CSV can be written where SPOOL_DIR says.
func (s *Settings) spool() error {
	if s.SpoolDir == "" {
		return nil
	}
	f, err := os.CreateTemp(s.SpoolDir, "countersign-*.csv")
	if err != nil {
		return fmt.Errorf("SPOOL_DIR %s cannot be written to: %w. Name a folder that is there and that the bot may write to", s.SpoolDir, errors.Unwrap(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// safeURL accepts https, and plain http for loopback addresses.
func safeURL(name, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%s is no URL. It looks like https://host/", name)
	case u.User != nil:
		return fmt.Errorf("%s holds a password. Give it as a setting of its own", name)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s is not https. Plain http is accepted for loopback addresses only", name)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// keyring is the key of today and the former one, or nil.
type keyring struct {
	now approvals.Keys
	old *approvals.Keys
}

func (s *Settings) keys() (keyring, error) {
	var k keyring
	if s.CountersignKey == "" {
		return k, nil // reported as missing
	}
	now, err := decodeKey("COUNTERSIGN_KEY", s.CountersignKey)
	if err != nil {
		return k, err
	}
	k.now = now
	if s.CountersignKeyOld != "" {
		old, err := decodeKey("COUNTERSIGN_KEY_OLD", s.CountersignKeyOld)
		if err != nil {
			return k, err
		}
		k.old = &old
	}
	return k, nil
}

// PublicKey verifies what COUNTERSIGN_KEY signs.
func (s *Settings) PublicKey() (ed25519.PublicKey, error) {
	keys, err := decodeKey("COUNTERSIGN_KEY", s.CountersignKey)
	if err != nil {
		return nil, err
	}
	return keys.Sign.Public().(ed25519.PublicKey), nil
}

func decodeKey(name string, value qualys.Secret) (approvals.Keys, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value.Reveal()))
	if err != nil || len(raw) != approvals.KeySize {
		return approvals.Keys{}, fmt.Errorf("%s is not %d bytes in base64. Run: bot keygen", name, approvals.KeySize)
	}
	return approvals.DeriveKeys(raw)
}

// Logger makes the log the settings ask for. A nil writer only checks them.
func (s *Settings) Logger(w *os.File) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil && s.LogLevel != "" {
		return nil, fmt.Errorf("LOG_LEVEL %q is not known. Use debug, info, warn or error", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text", "":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, fmt.Errorf("LOG_FORMAT %q is not known. Use text or json", s.LogFormat)
}
