package page

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// A browser is a page in a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // what stood in the console, and what could not be loaded
	foreign  []string // requests to anywhere but the demo
}

// A screen is how large the page is, and how.
type screen struct {
	width, height int64
	dark          bool
}

var (
	desktop = screen{width: 1280, height: 800}
	phone   = screen{width: 390, height: 844}
)

// chromium finds the browser. Without one the test is skipped, in CI it fails.
func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("chromium is not installed; .ci/run does that")
	}
	t.Skip("chromium is not installed")
	return ""
}

// browse opens an address in a browser of its own.
func browse(t *testing.T, url string, s screen) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, stopProcess := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopTab := chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			b.keep(t.Name())
		}
		stopTab()
		stopProcess()
	})
	require.NoError(t, chromedp.Listen(ctx, func(event any) { b.listen(event, url) }))
	b.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, net := cdp.Call(ctx, tab, network.Enable, network.EnableParams{})
		_, logs := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		_, run := cdp.Call(ctx, tab, runtime.Enable, cdp.Empty{})
		return errors.Join(net, logs, run)
	}))
	b.size(s)
	b.do(chromedp.Navigate(url))
	return b
}

func (b *browser) listen(event any, url string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, e.ExceptionDetails.Text+" "+descriptionOf(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			raw, _ := json.Marshal(e.Args)
			b.problems = append(b.problems, string(raw))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if at := e.Request.URL; !strings.HasPrefix(at, originOf(url)) && !strings.HasPrefix(at, "data:") {
			b.foreign = append(b.foreign, at)
		}
	}
}

func descriptionOf(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return o.Description
}

// originOf is the part of an address before its path.
func originOf(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + "/"
}

// size makes the page that large, light or dark.
func (b *browser) size(s screen) {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b.do(chromedp.EmulateViewport(s.width, s.height), chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...))
}

// eval is what a JavaScript expression gives, awaited if it is a promise.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return value
}

// until waits until an expression is true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(50*time.Millisecond)))
	require.NoError(b.t, err, "waiting for %s; the page says:\n%s", what, b.text("body"))
}

// text is what stands in the first element of a selector.
func (b *browser) text(selector string) string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector)))
	if err != nil {
		return err.Error()
	}
	return text
}

// says waits until a text stands somewhere.
func (b *browser) says(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q in %s", text, selector),
		fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%q))`, selector, text))
}

// press clicks with the mouse on the last element that fits, by its selector and
// what it says, once it stands still and nothing lies above it.
func (b *browser) press(selector, text string) {
	b.t.Helper()
	at := eval[[]float64](b, fmt.Sprintf(`(async () => {
		const find = () => [...document.querySelectorAll(%q)].filter((e) => e.innerText.includes(%q) && !e.disabled && e.checkVisibility()).at(-1);
		for (let before = "", still = 0, tries = 0; tries < 1200; tries++) {
			const e = find();
			if (e) {
				const r = e.getBoundingClientRect();
				const x = r.x + r.width / 2, y = r.y + r.height / 2;
				const hit = document.elementFromPoint(x, y);
				if (!hit || !(e.contains(hit) || hit.contains(e))) e.scrollIntoView({ block: "center" });
				else if (before === [x, y].join() && ++still > 4) return [x, y];
				if (before !== [x, y].join()) still = 0;
				before = [x, y].join();
			}
			await new Promise((again) => setTimeout(again, 50));
		}
		return [];
	})()`, selector, text))
	require.Len(b.t, at, 2, "nothing to press: %s %q; the page says:\n%s", selector, text, b.text("body"))
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// typed puts words into the field that has the focus, key by key. At the end of
// a line is Enter, pressed as keyboards do: a page can prevent what it types.
func (b *browser) typed(text string) {
	b.t.Helper()
	words, enter := strings.CutSuffix(text, "\r")
	b.do(chromedp.KeyEvent(words))
	if !enter {
		return
	}
	b.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}
		_, down := cdp.Call(ctx, tab, input.DispatchKeyEvent, key)
		key.Type, key.Text = input.DispatchKeyEventTypeKeyUp, ""
		_, up := cdp.Call(ctx, tab, input.DispatchKeyEvent, key)
		return errors.Join(down, up)
	}))
}

// shot is a picture of the page.
func (b *browser) shot(path string) {
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(b.t, os.WriteFile(path, png, 0o644))
}

// keep saves a picture for whoever looks into a failure.
func (b *browser) keep(name string) {
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	path := filepath.Join(os.TempDir(), "countersign-page-"+name+".png")
	if os.WriteFile(path, png, 0o644) == nil {
		b.t.Log("what it looked like: " + path)
	}
}

// quiet requires that nothing stood in the console and nothing was asked elsewhere.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.problems, "in the console")
	require.Empty(b.t, b.foreign, "requests elsewhere")
}

var pictures = flag.String("screenshots", "", "a folder to write pictures of the page to")

// picture keeps what the page looks like now, if pictures are asked for.
func (b *browser) picture(name string) {
	if *pictures != "" {
		b.shot(filepath.Join(*pictures, name+".png"))
	}
}

// step waits until the tour has come to a step, and lets itself be shown it.
func (b *browser) step(title string) {
	b.t.Helper()
	b.says(".tour .now .tour-title", title)
	b.press(".tour .now button", "show me")
}

// arrowDown is the key as chromedp spells it.
const arrowDown = kb.ArrowDown
