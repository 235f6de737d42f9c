package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"os"

	"countersign/audit"
	"countersign/internal/app"
	"countersign/slack"
)

type exportCommand struct{}

func (exportCommand) Run(s *app.Settings, to surface) error {
	log, err := s.Logger(os.Stderr)
	if err != nil {
		return err
	}
	others, err := app.ExportTrail(to.ctx, app.Config{Settings: *s, Log: log}, to.out)
	for _, left := range others {
		fmt.Fprintln(os.Stderr, "bot: left out:", left)
	}
	if err != nil {
		return errors.Join(to.secrets, err)
	}
	return nil
}

type verifyCommand struct {
	Key   string   `help:"The public key, 32 bytes in base64, as bot keygen printed it. Without it COUNTERSIGN_KEY's is used."`
	Live  bool     `help:"Check the audit channel itself, and the CSVs that are still in Slack. Needs SLACK_BOT_TOKEN and POLICY_FILE."`
	Paths []string `arg:"" name:"path" optional:"" help:"JSONL files in their order, Slack exports (zip or folder), or - for JSONL on standard input."`
}

func (c verifyCommand) Run(s *app.Settings, to surface) error {
	key, err := c.public(s)
	if err != nil {
		err = errors.Join(to.secrets, err)
	} else {
		err = c.readable()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		return usage
	}
	var report audit.Report
	if c.Live {
		report, err = c.live(s, to, key)
	} else {
		report, err = audit.Verify(key, c.lines())
	}
	if err := errors.Join(err, report.Print(to.out)); err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
	}
	if code := report.Code(); code != 0 {
		return exit(code)
	}
	return nil
}

// live checks the audit channel. Where it cannot even begin, nothing was checked.
func (c verifyCommand) live(s *app.Settings, to surface, key ed25519.PublicKey) (audit.Report, error) {
	log, err := s.Logger(os.Stderr)
	if err != nil {
		return audit.Report{Ended: err}, err
	}
	report, err := app.VerifyTrail(to.ctx, app.Config{Settings: *s, Log: log}, key)
	if err != nil {
		err = errors.Join(to.secrets, err)
	}
	return report, err
}

// public is the key to verify with.
func (c verifyCommand) public(s *app.Settings) (ed25519.PublicKey, error) {
	if c.Key == "" {
		if s.CountersignKey == "" {
			return nil, errors.New("there is no key to verify with. Give --key, as bot keygen printed it, or COUNTERSIGN_KEY")
		}
		return s.PublicKey()
	}
	key, err := base64.StdEncoding.DecodeString(c.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("--key is no public key. It is 32 bytes in base64, as bot keygen printed it")
	}
	return key, nil
}

// readable says whether there is one thing to read, and which path cannot be read
// at all.
func (c verifyCommand) readable() error {
	if c.Live != (len(c.Paths) == 0) {
		return errors.New("name what to check: either --live for the audit channel, or files and folders")
	}
	var errs []error
	for _, path := range c.Paths {
		if path != "-" {
			_, err := os.Stat(path)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// lines reads all that was named, one after the other, as one trail.
func (c verifyCommand) lines() iter.Seq2[audit.Line, error] {
	return func(yield func(audit.Line, error) bool) {
		for _, path := range c.Paths {
			lines := audit.ReadJSONL(os.Stdin)
			if path != "-" {
				lines = slack.ReadExport(path)
			}
			for line, err := range lines {
				if !yield(line, err) {
					return
				}
			}
		}
	}
}
