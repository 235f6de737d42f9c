package simulation

import (
	"slices"
	"strings"
	"testing/synctest"
	"time"
)

// seldom are the places where hardly anybody comes by: whoever does is killed
// more often there.
var seldom = map[string]bool{"reconcile": true, "finish.before": true, "finish.after": true, "due": true}

// chance gives a goroutine its turn, and draws what befalls it.
func (w *world) chance(s *stand) {
	if s.idle() || s.exact || !time.Now().Before(w.healed) {
		if !s.exact {
			w.linger()
		}
		w.release(s, goOn)
		return
	}
	x := w.rng.Float64()
	kill, still, long := 0.03, 0.03, 40000
	switch {
	case seldom[s.at]:
		kill = 0.09
	case s.person:
		kill, still = 0.015, 0.015
	case s.read(), s.at == "poll", s.at == "Lease script": // many of them, and mostly in vain
		kill, still = 0.003, 0.003
	case strings.HasPrefix(s.name, "poster"): // without it nobody can approve anything
		kill, still, long = 0.012, 0.012, 15000
	}
	switch {
	case x < kill:
		w.kill(s)
		return
	case x < kill+still:
		w.pause(s, time.Duration(w.rng.IntN(long))*time.Millisecond)
		return
	case x < 0.06 && !s.person && !s.read() && w.rng.IntN(3) == 0:
		w.note("%s is told to stop", s.name)
		w.stats.faults["told to stop"]++
		s.cancel()
		synctest.Wait()
		w.replace(s.actor)
	case x > 0.06 && x < 0.063:
		w.cutOff(s.actor, time.Duration(w.rng.IntN(20000))*time.Millisecond)
	case x < 0.08 && s.script():
		w.release(s, loseCall)
		return
	case s.script() && (x < 0.11 || x < 0.4 && w.off.isAbout(s.at+loseAnswer.String())):
		w.release(s, loseAnswer)
		return
	case x > 0.99 && s.read():
		w.release(s, loseAnswer)
		return
	default:
		w.linger()
	}
	w.release(s, goOn)
}

// linger lets time pass before a turn, now and then.
func (w *world) linger() {
	if w.rng.IntN(12) > 0 {
		return
	}
	time.Sleep(time.Duration(w.rng.IntN(500)) * time.Millisecond)
	synctest.Wait() // others woke meanwhile
	w.setClock()
}

// strike gives a goroutine its turn, and does to it what the list says.
func (w *world) strike(s *stand) {
	w.stands = append(w.stands, s)
	switch fault := w.strikes[w.step]; fault {
	case "kill":
		w.kill(s)
	case "pause":
		w.step++
		w.pause(s, 40*time.Second)
		w.replace(s.actor) // somebody else takes over meanwhile
	case "lost call":
		w.release(s, loseCall)
	case "lost answer":
		w.release(s, loseAnswer)
	case "":
		w.release(s, goOn)
	default: // befalls the call of Qualys
		w.cloud.forced = strings.TrimPrefix(fault, "qualys: ")
		w.release(s, goOn)
	}
}

// release gives a goroutine its turn.
func (w *world) release(s *stand, v verdict) {
	w.mu.Lock()
	s.stands = slices.DeleteFunc(s.stands, func(other *stand) bool { return other == s })
	w.mu.Unlock()
	w.step++
	w.stats.steps++
	w.last = s
	s.passed[s.at] = w.step
	if s.script() {
		s.scripted = w.step
	}
	if v == loseCall || v == loseAnswer {
		w.stats.faults["Redis"+v.String()]++
	}
	w.note("%s at %s %s%s", s.name, s.at, s.about, v)
	s.turn <- v
}

// kill ends a process at once, wherever its goroutines are.
func (w *world) kill(s *stand) {
	w.stats.kills++
	w.stats.killedAt[s.at]++
	w.step++
	w.last = s
	w.note("%s at %s dies", s.name, s.at)
	w.bury(s.actor)
	synctest.Wait()
	w.replace(s.actor)
}

// bury lets nothing leave a process any more.
func (w *world) bury(a *actor) {
	w.mu.Lock()
	a.dead = true
	stands := a.stands
	a.stands = nil
	w.mu.Unlock()
	a.cancel()
	for _, s := range stands {
		s.turn <- die
	}
}

// pause lets a whole process stand still: a virtual machine that is moved, a
// SIGSTOP.
func (w *world) pause(s *stand, d time.Duration) {
	w.stats.pauses++
	w.note("%s stands still at %s for %s", s.name, s.at, d)
	s.paused = time.Now().Add(d)
}

// cutOff lets a process not reach Redis for a while.
func (w *world) cutOff(a *actor, d time.Duration) {
	w.note("%s cannot reach Redis for %s", a.name, d)
	w.stats.faults["Redis out of reach"]++
	a.cut = time.Now().Add(d)
}

// replace starts another process like the one that ended.
func (w *world) replace(a *actor) {
	switch {
	case a.person:
	case strings.HasPrefix(a.name, "poster"):
		w.startPoster()
	default:
		w.startReplica()
	}
}
