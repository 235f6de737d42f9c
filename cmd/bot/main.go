package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // a container without zoneinfo knows time zones all the same

	"github.com/alecthomas/kong"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	var code exit
	switch {
	case errors.As(err, &code):
		os.Exit(int(code))
	case err != nil:
		fmt.Fprintln(os.Stderr, "bot:", err)
		os.Exit(1)
	}
}

// exit is an error that was already told to the person; only its code is left.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usage is the exit code of a command line that makes no sense.
const usage exit = 2

// cli is the command line: its flags, and its commands.
type cli struct {
	app.Settings

	Run   runCommand   `cmd:"" default:"1" help:"Run the bot (the default)."`
	Check checkCommand `cmd:"" help:"Try everything read-only, a line each with what to do."`
	Audit struct {
		Verify verifyCommand `cmd:"" help:"Check the trail with the public key alone: in its channel, or an export."`
		Export exportCommand `cmd:"" help:"Write the trail in its channel to standard output, as JSON lines."`
	} `cmd:"" help:"The trail."`
	Keygen  keygenCommand  `cmd:"" help:"Print a new COUNTERSIGN_KEY and its public key."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// A surface is where a command writes.
type surface struct {
	ctx     context.Context
	out     io.Writer
	secrets error // what is wrong with the files of secrets
}

func run(ctx context.Context, args []string, out io.Writer) error {
	secrets := app.ReadSecretFiles() // only run and check mind what is wrong with them
	var c cli
	parser, err := kong.New(&c, kong.Name("bot"), kong.Writers(out, os.Stderr),
		kong.Description("Countersign manages Qualys users from Slack; nothing is changed or deleted on one person's word."),
		kong.UsageOnError(), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	if wantsHelp(args) {
		_, err := parser.Parse(args) // prints the help and goes on
		_ = err
		return nil
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		fmt.Fprintln(os.Stderr, "bot: run bot --help to see what it understands")
		return usage
	}
	k.Bind(&c.Settings)
	return k.Run(surface{ctx, out, secrets})
}

func wantsHelp(args []string) bool {
	for _, a := range args {
		if a == "--help" || a == "-h" {
			return true
		}
	}
	return false
}

type runCommand struct{}

func (runCommand) Run(s *app.Settings, to surface) error {
	log, err := s.Logger(os.Stderr)
	if err := errors.Join(to.secrets, err); err != nil {
		return err
	}
	app.LogRedis(log)
	err = app.Run(to.ctx, app.Config{Settings: *s, Log: log, Version: version()})
	if errors.Is(err, app.ErrNoPolicy) {
		fmt.Fprintf(os.Stderr, "bot: %v\n\n", err)
		fmt.Fprint(to.out, rules.Sample)
		return exit(1)
	}
	return err
}

type checkCommand struct {
	JSON bool `name:"json" help:"Print JSON, a line each."`
	Live bool `help:"Only ask a running bot's /livez (for container health checks)."`
}

func (c checkCommand) Run(s *app.Settings, to surface) error {
	if c.Live {
		return live(to.ctx, s.ListenAddr)
	}
	if to.secrets != nil {
		return to.secrets
	}
	app.LogRedis(slog.New(slog.DiscardHandler)) // the report says what is wrong with Redis
	if !app.Check(to.ctx, app.Config{Settings: *s, Version: version()}, app.Report{Out: to.out, JSON: c.JSON}) {
		return exit(1)
	}
	return nil
}

// live asks the bot of this machine, so no proxy is asked, and an address that
// means "all of mine" is the loopback.
func live(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/livez", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{Proxy: nil}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/livez answers %s", resp.Status)
	}
	return nil
}

type keygenCommand struct{}

func (keygenCommand) Run(to surface) error {
	secret := make([]byte, approvals.KeySize)
	_, _ = rand.Read(secret) // never fails (Go 1.24)
	keys, err := approvals.DeriveKeys(secret)
	if err != nil {
		return err
	}
	fmt.Fprintf(to.out, "COUNTERSIGN_KEY=%s\n", base64.StdEncoding.EncodeToString(secret))
	fmt.Fprintf(to.out, "# public key, for bot audit verify --key: %s\n",
		base64.StdEncoding.EncodeToString(keys.Sign.Public().(ed25519.PublicKey)))
	return nil
}

type versionCommand struct{}

func (versionCommand) Run(to surface) error {
	_, err := fmt.Fprintln(to.out, "countersign", version())
	return err
}

// version is the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
