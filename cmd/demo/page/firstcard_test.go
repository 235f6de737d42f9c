package page

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var firstCard = flag.Bool("first-card", false, "print how long it takes from a clone to the first card on the page")

// From a clone to the first card, as somebody does it who reads README.md: with
// the caches of this machine, and with empty ones. It prints seconds and judges
// nothing but that the card comes.
func TestFirstCard(t *testing.T) {
	if !*firstCard {
		t.Skip("-first-card is not given")
	}
	b := browse(t, "about:blank", desktop)
	t.Run("warm", func(t *testing.T) {
		took, err := fromClone(b)
		require.NoError(t, err)
		fmt.Printf("first card, module and build caches warm: %s\n", took)
	})
	t.Run("cold", func(t *testing.T) {
		cache := t.TempDir()
		build := "GOCACHE=" + filepath.Join(cache, "build")
		said := "module and build caches empty"
		took, err := fromClone(b, build, "GOMODCACHE="+filepath.Join(cache, "modules"), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -modcacherw"))
		if err != nil {
			t.Logf("without a module cache: %v", err)
			said = "build cache empty, module cache warm (no module proxy can be reached)"
			took, err = fromClone(b, build)
		}
		require.NoError(t, err)
		fmt.Printf("first card, %s: %s\n", said, took)
	})
}

// A stopwatch has a time for each stretch of the way.
type stopwatch struct{ clone, page, card time.Duration }

func (s stopwatch) String() string {
	return fmt.Sprintf("%.1f s (clone %.1f, page %.1f, card %.1f)",
		(s.clone + s.page + s.card).Seconds(), s.clone.Seconds(), s.page.Seconds(), s.card.Seconds())
}

// fromClone clones the checkout, types what README.md says, opens the page, and
// asks for a delete.
func fromClone(b *browser, env ...string) (s stopwatch, err error) {
	dir := filepath.Join(b.t.TempDir(), "clone")
	began := time.Now()
	if out, err := exec.Command("git", "clone", "--quiet", "../../..", dir).CombinedOutput(); err != nil {
		return s, fmt.Errorf("git clone: %w: %s", err, out)
	}
	s.clone = time.Since(began)
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		return s, err
	}
	line := regexp.MustCompile(`(?m)^go run .*$`).FindString(string(readme))
	if line == "" {
		return s, errors.New("README.md does not say: go run")
	}
	began = time.Now()
	url, stop, err := start(dir, line, env)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	b.do(chromedp.Navigate(url))
	b.says(".people-hint", "Alice")
	s.page = time.Since(began)
	began = time.Now()
	b.press("#composer", "")
	b.typed("/qualys-users delete firstName=NewVendor reason=\"SEC-124\"\r")
	b.says(".message button", "Approve")
	s.card = time.Since(began)
	b.do(chromedp.Navigate("about:blank"))
	return s, nil
}

// start runs a line until it says where its page is.
func start(dir, line string, env []string) (url string, stop func() error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var problems output
	cmd.Stderr = &problems
	in, errIn := cmd.StdinPipe() // open, or the demo would not wait for anybody
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		cancel()
		return "", nil, err
	}
	stop = func() error {
		defer cancel()
		err := errors.Join(in.Close(), syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
		_ = cmd.Wait() // go run exits with 1 when it is interrupted
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url = regexp.MustCompile(`http://\S+/`).FindString(lines.Text()); url != "" {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the demo
			return url, stop, nil
		}
	}
	return "", nil, fmt.Errorf("%s ended: %w: %s", line, errors.Join(cmd.Wait(), ctx.Err()), &problems)
}
