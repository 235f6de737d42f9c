package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mark makes this test binary the demo. It stands in the environment of the
// demo's children as well, so that a test can look for those left behind.
const mark = "COUNTERSIGN_DEMO_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(mark) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// demo is the demo as a process of its own.
func demo(t *testing.T, ctx context.Context, name string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-play")
	cmd.Env = append(os.Environ(), mark+"="+name)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	t.Cleanup(func() { assert.Empty(t, left(name), "processes of the demo that are still there") })
	return cmd
}

// left lists the processes that carry the mark.
func left(name string) []string {
	var there []string
	all, _ := filepath.Glob("/proc/[0-9]*/environ") // elsewhere than on Linux there is nothing to see
	for _, path := range all {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte(mark+"="+name+"\x00")) {
			there = append(there, path)
		}
	}
	return there
}

// The demo plays its conversation, and then whatever somebody types.
func TestTheDemoPlaysAndTakesLines(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := demo(t, ctx, "lines")
	cmd.Stdin = strings.NewReader(strings.Join([]string{
		"help",
		"alice> /qualys-users requests all",
		"carol* Approve",
		"nobody says this",
		"(a bot is killed)",
		"alice> /qualys-users count company=Globex",
		"quit",
		"alice> /qualys-users help",
	}, "\n"))
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	require.NoError(t, cmd.Run(), "%s\n%s", &problems, &out)
	for _, want := range []string{
		"Promise 2: two different people.",               // the heading
		"bot~ You asked for this one.",                   // the refusal
		"bot> Deleted 49 of 49 SAQ users · @alice",       // the result
		"Qualys had 1,200 SAQ users, and has 1,151 now.", // the truth
		"(* leaves the *)",                               // the help
		"bot~alice 1 request",                            // what was typed
		"nobody shows carol a button Approve",            // what cannot be done
		"SAQ users for company=Globex.",                  // the bot that is left
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.Empty(t, problems.String())
	assert.NotContains(t, out.String(), "What you can do here", "quit ends the demo")
}

// An interrupt ends the demo in the middle of its conversation.
func TestAnInterruptEndsTheDemo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := demo(t, ctx, "interrupt")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	require.NoError(t, cmd.Start())
	seen := make([]byte, 0, 4096)
	page := ""
	for !bytes.Contains(seen, []byte("bot~ Counting…")) {
		n, err := out.Read(seen[len(seen):cap(seen)])
		require.NoError(t, err, "%s", &problems)
		seen = seen[:len(seen)+n]
		if found := regexp.MustCompile(`http://\S+/`).Find(seen); page == "" && found != nil {
			page = string(found)
			resp, err := http.Get(page)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusOK, resp.StatusCode, "the page is there from the start")
		}
	}
	require.NotEmpty(t, page)
	cancel()
	_ = cmd.Wait() // it says that it was interrupted, by us
	assert.Equal(t, 0, cmd.ProcessState.ExitCode(), "%s", &problems)
}
