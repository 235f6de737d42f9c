package minislack

import (
	"context"
	"net/http"
	"sync"
)

// A Lever breaks something, or mends it again.
type Lever struct {
	Name  string // in its URL: "kill-1"
	Group string // what it belongs to: "The bot", "Qualys", "Slack"
	State func() LeverState
	Pull  func(context.Context) error
}

// A LeverState is how a lever looks at this moment.
type LeverState struct {
	Label  string `json:"label"`            // what pulling it does: "Kill bot 1", "Start bot 1 again"
	About  string `json:"about"`            // why somebody would
	Status string `json:"status,omitempty"` // how things are: "running since 14:03"
	Broken bool   `json:"broken"`           // something is broken on purpose now
}

// A Step is one thing to try. It ticks itself when everything it needs has
// happened, in this order.
type Step struct {
	Title string             `json:"title"`
	Text  string             `json:"text"`
	Who   string             `json:"who,omitempty"`  // the name of who has to sit at the keyboard
	Type  string             `json:"type,omitempty"` // what to type
	Point string             `json:"point"`          // what to look at: "composer", "people", "levers", "action:approve", "thread", "file"
	Pull  string             `json:"pull,omitempty"` // a lever that is pulled with it, unless something is broken there already
	Needs []func(Event) bool `json:"-"`
}

// What the page itself adds to the feed.
const (
	Opened Kind = "opened" // somebody opened a thread ("thread") or a file (its name)
	Pulled Kind = "pulled" // somebody pulled the lever named in Text
)

// webExtras is what changes besides the workspace.
type webExtras struct {
	Levers  []webLever `json:"levers"`
	Tour    []webStep  `json:"tour"`
	Sockets int        `json:"sockets"`
}

type webLever struct {
	Name  string `json:"name"`
	Group string `json:"group"`
	LeverState
}

type webStep struct {
	Step
	Done bool `json:"done"`
}

// tourAt is how far the tour came, for everybody who looks at the page.
type tourAt struct {
	mu   sync.Mutex
	n    int64 // events looked at
	came []int // per step: how many of its needs are met
}

func (w *web) extras() webExtras {
	all := webExtras{Levers: []webLever{}, Tour: []webStep{}, Sockets: w.s.Sockets()}
	for _, l := range w.page.Levers {
		all.Levers = append(all.Levers, webLever{l.Name, l.Group, l.State()})
	}
	came := w.tour.follow(w.s, w.page.Tour)
	for i, step := range w.page.Tour {
		all.Tour = append(all.Tour, webStep{step, came[i] >= len(step.Needs)})
	}
	return all
}

// follow looks at what happened since the last time.
func (t *tourAt) follow(s *Server, steps []Step) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.came == nil {
		t.came = make([]int, len(steps))
	}
	for _, e := range s.Since(t.n) {
		t.n = e.N
		for i, step := range steps {
			if t.came[i] < len(step.Needs) && step.Needs[t.came[i]](e) {
				t.came[i]++
			}
		}
	}
	return append([]int(nil), t.came...)
}

// restart begins the tour again.
func (w *web) restart(context.Context, *Client, call) error {
	w.tour.mu.Lock()
	defer w.tour.mu.Unlock()
	w.tour.n, w.tour.came = w.s.Now(), nil
	return nil
}

// lever pulls a lever. What went wrong is told like everything else.
func (w *web) lever(out http.ResponseWriter, r *http.Request) {
	who, ok := w.person(r.URL.Query().Get("as"))
	if !ok {
		http.Error(out, "there is nobody of that name", http.StatusNotFound)
		return
	}
	for _, l := range w.page.Levers {
		if l.Name != r.PathValue("name") {
			continue
		}
		w.s.mu.Lock()
		w.s.happened(Event{Kind: Pulled, Person: who.p.Name, Text: l.Name})
		w.s.mu.Unlock()
		send(out, outcome(l.Pull(r.Context())))
		return
	}
	http.Error(out, "there is no lever "+r.PathValue("name"), http.StatusNotFound)
}
