package slack

import "sync"

// health is what readiness is judged by.
type health struct {
	mu      sync.Mutex
	sockets int
	posting string // why entries cannot be posted, or empty
}

func (h *health) connected(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets = n
}

// posted notes how the last attempt to post went.
func (h *health) posted(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posting = ""
	if err != nil {
		h.posting = err.Error()
	}
}

func (h *health) reasons() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	if h.sockets == 0 {
		all = append(all, "no socket to Slack is open")
	}
	if h.posting != "" {
		all = append(all, "the trail cannot be posted: "+h.posting)
	}
	return all
}
