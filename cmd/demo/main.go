package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"countersign/audit"
	"countersign/internal/chat"
	"countersign/internal/stage"
)

//go:embed demo.txt
var script []byte

// coolDown is short, so that nobody has to wait for the demo.
const coolDown = 5 * time.Second

func main() {
	if os.Getenv(botMark) != "" {
		if err := bot(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, "demo bot:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdin, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run is the whole demo.
func run(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "countersign-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log := &tail{}
	house, err := stage.NewLoopback(stage.Config{Dir: dir, Quiet: quiet, CoolDown: coolDown}, starter(log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	if err := play(ctx, house, out); err != nil {
		return errors.Join(err, log.said())
	}
	return prompt(ctx, house, in, out)
}

// quiet is how long people must have seen nothing new until the next line is due.
const quiet = 2 * time.Second

// play plays the conversation of the demo, and says so when it went differently.
func play(ctx context.Context, house *stage.House, out io.Writer) error {
	c, err := chat.Parse("demo.txt", script)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, c.Heading())
	before := len(house.Qualys().SAQUsers())
	r, err := chat.Play(ctx, c, spaced{chat.Aloud(house, out), out})
	if err != nil {
		return err
	}
	if err := house.Check(); err != nil {
		return err
	}
	now := len(house.Qualys().SAQUsers())
	fmt.Fprintf(out, "\nQualys had %s, and has %s now.\n", audit.Plural(before, "SAQ user"), audit.Number(now))
	if d := r.Diff(); d != "" {
		return fmt.Errorf("the conversation went differently:\n%s", d)
	}
	return nil
}

// spaced is a stage on which something new begins with an empty line.
type spaced struct {
	chat.Stage
	out io.Writer
}

func (s spaced) Do(ctx context.Context, a chat.Act) error {
	fmt.Fprintln(s.out)
	return s.Stage.Do(ctx, a)
}

func (s spaced) Pass(ctx context.Context, d time.Duration) error {
	fmt.Fprintln(s.out)
	return s.Stage.Pass(ctx, d)
}
