package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"countersign/audit"
	"countersign/cmd/demo/page"
	"countersign/internal/chat"
	"countersign/internal/minislack"
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
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run is the whole demo.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "where the page is; a loopback address")
	first := flags.Bool("play", false, "play a conversation on the terminal first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "countersign-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log := &tail{}
	bots := &crew{start: starter(log)}
	house, err := stage.NewLoopback(stage.Config{Dir: dir, Quiet: quiet, CoolDown: coolDown}, bots.starter)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	bots.house = house
	house.Slack().SetProfile("bot", func(p *minislack.Person) { p.RealName = "Countersign" })
	if err := house.Open(ctx); err != nil {
		return errors.Join(err, log.said())
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Countersign is at http://%s/\n", l.Addr())
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- page.Serve(serving, l, page.Config{Slack: house.Slack(), Qualys: house.Qualys(), Bots: bots})
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	if *first {
		if err := play(ctx, house, out); err != nil {
			return errors.Join(err, log.said())
		}
	}
	switch err := prompt(ctx, house, in, out); {
	case errors.Is(err, errQuit):
		return nil
	case err != nil || *first:
		return err
	}
	<-ctx.Done() // nobody types any more; the page is still there
	return nil
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
