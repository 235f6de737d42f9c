package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"countersign/internal/chat"
	"countersign/internal/stage"
)

// errQuit means that somebody has had enough.
var errQuit = errors.New("quit")

// prompt takes lines and plays them until the input ends, somebody quits
// (errQuit), or ctx ends.
func prompt(ctx context.Context, house *stage.House, in io.Reader, out io.Writer) error {
	fmt.Fprintln(out, "\nIt is your turn, there or here. Type help for what you can type, play for a conversation, quit to end.")
	lines := make(chan string)
	var failed error // read after lines is closed
	go func() {      // it may wait for input until the process ends
		defer close(lines)
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		failed = scanner.Err()
	}()
	for {
		if terminal(in) {
			fmt.Fprint(out, "> ")
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(out)
			return nil
		case line, more := <-lines:
			switch text := strings.TrimSpace(line); {
			case !more:
				return failed
			case text == "quit" || text == "exit":
				return errQuit
			case text == "play":
				if err := play(ctx, house, out); err != nil {
					return err
				}
			case text == "help":
				help(out)
			case text != "":
				if err := perform(ctx, house, out, text); err != nil {
					return err
				}
			}
		}
	}
}

// terminal reports whether somebody sits at the input.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// perform plays one line. What a person could not do is told, and no reason to end.
func perform(ctx context.Context, house *stage.House, out io.Writer, text string) error {
	step, err := chat.ParseLine(text)
	if err != nil {
		fmt.Fprintln(out, err)
		return nil
	}
	seen, err := chat.Perform(ctx, house, step)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		fmt.Fprintln(out, err)
		return nil
	}
	return chat.Print(out, seen...)
}

// help says what can be typed.
func help(out io.Writer) {
	fmt.Fprint(out, `People are alice (asks), bob and carol (approve), mallory and gus (may nothing).

  alice> /qualys-users help        types a command in the channel
  bob* Approve                     presses a button; of a dialog or form if one is open
  bob* Approve @K7F3Q              presses it on the card of that request
  bob+ Reason=SEC-1 | Title=clear  fills in the open form and sends it
  (10 seconds pass)                waits

  bot> a message   bot: an edited one   bot~alice only alice sees it   dm>alice a direct message

Stage directions; a * stands for a name or a number:

`)
	all := slices.Concat(stage.Directions(), stage.HouseDirections())
	slices.Sort(all)
	for _, d := range slices.Compact(all) {
		fmt.Fprintf(out, "  (%s)\n", d)
	}
	fmt.Fprint(out, "\nquit ends the demo.\n")
}
