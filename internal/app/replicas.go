package app

import (
	"context"
	"time"
)

// How replicas of Redis come and go.
const (
	askReplicas = time.Minute // how often Redis is asked for them
	goneFor     = 5           // so many answers in a row without any: more than a failover or a restart takes
)

// A replicaWatch decides whether the book waits for replicas of Redis.
type replicaWatch struct {
	waits   bool
	without int // answers in a row
}

// heard takes an answer and reports whether it changed anything. The first replica
// is waited for at once. That none is left has to be said several times: where a
// replica is only away, approvals keep waiting for it.
func (w *replicaWatch) heard(replicas int) (changed bool) {
	if replicas > 0 {
		changed = !w.waits
		*w = replicaWatch{waits: true}
		return changed
	}
	w.without++
	changed = w.waits && w.without >= goneFor
	w.waits = w.waits && !changed
	return changed
}

// watchReplicas lets the book follow what Redis says about its replicas, until the
// context ends. Where Redis does not answer, nothing is known and nothing changes.
func (h *house) watchReplicas(ctx context.Context, replicas func(context.Context) (int, error)) error {
	w := replicaWatch{waits: h.book.Replicated()}
	tick := time.NewTicker(askReplicas)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		n, err := replicas(ctx)
		switch {
		case err != nil:
			w.without = 0
		case w.heard(n):
			h.book.SetReplicated(w.waits)
			h.Log.WarnContext(ctx, "the replicas of Redis changed", "replicas", n, "approvals wait for one", w.waits)
		}
	}
}
