package app_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

var (
	kills   = flag.Int("kills", 0, "how many bots to kill in TestKills; 0 means 60 in CI and 6 elsewhere")
	shipped = flag.Bool("shipped", false, "let TestKills use the lease and settle times that people run")
)

// A cast is some bots that are killed and started again.
type cast struct {
	*town
	bots []*process
	done int // kills so far
	ends []end
	did  map[trouble]int
}

// An end is a bot that was killed, or told to stop.
type end struct {
	bot *process
	at  time.Time
}

// A trouble befalls a request besides the kills, one in turn after the other.
type trouble string

const (
	none        trouble = "none"
	standsStill trouble = "a bot stood still, and was replaced" // reliability row 11
	redisGone   trouble = "Redis was killed, and came back"     // rows 13 and 15
	toldToStop  trouble = "a bot was told to stop, and handed its run on"
)

// next is what befell the fewest requests so far.
func (c *cast) next() trouble {
	all := []trouble{none, standsStill, redisGone, toldToStop}
	return slices.MinFunc(all, func(a, b trouble) int { return cmp.Compare(c.did[a], c.did[b]) })
}

const (
	perRound   = 40
	bystanders = 400
)

// newCast starts three bots over a Qualys that takes its time.
func newCast(t *testing.T, short bool) *cast {
	c := &cast{town: newTown(t), did: map[trouble]int{}}
	c.qualys.AddSAQUsers(bystanders, "Bystander")
	c.qualys.Slow("delete", 150*time.Millisecond)
	c.qualys.Slow("search", 60*time.Millisecond)
	for range 3 {
		c.bots = append(c.bots, c.bot(short))
	}
	return c
}

// round has a company deleted, with whatever happens in between.
func (c *cast) round(n int, between func(card minislack.Message)) {
	company := fmt.Sprintf("Vendor%d", n)
	c.qualys.AddSAQUsers(perRound, company)
	_, err := c.slack.As("alice").Slash(channel, "/qualys-users", fmt.Sprintf(`delete company=%s reason="round %d"`, company, n))
	require.NoError(c.t, err)
	e := c.await("the card of "+company, func(e minislack.Event) bool {
		return e.Kind == minislack.Posted && len(e.Message.Buttons()) > 0 && strings.Contains(e.Message.Rendered(), "company="+company)
	})
	c.approve("bob", e.Message, fmt.Sprintf("DELETE %d", perRound))
	c.await("the approval of "+company, func(e2 minislack.Event) bool {
		return e2.Kind == minislack.Posted && e2.Thread == e.TS && strings.Contains(e2.Message.Rendered(), "U0BOB approved")
	})
	between(e.Message)
	c.await("the summary of "+company, func(e2 minislack.Event) bool {
		return e2.Kind == minislack.Posted && e2.N > e.N && e2.Thread == "" &&
			strings.Contains(e2.Message.Rendered(), fmt.Sprintf("Deleted %d of %d SAQ users", perRound, perRound))
	})
}

// truth compares what the channel says with what Qualys lost.
func (c *cast) truth(rounds int) {
	summaries := 0
	for _, m := range c.slack.Messages(channel) {
		if isSummary(m) {
			summaries++
		}
	}
	assert.Equal(c.t, rounds, summaries, "one summary a request")
	assert.Len(c.t, c.qualys.SAQUsers(), bystanders)
	assert.Zero(c.t, c.qualys.RepeatedDeletes(), "nobody was deleted twice")
	assert.Zero(c.t, c.qualys.Wild())
}

// Promise 3, reliability 6.3: whenever and however often bots are killed, or
// stand still, or Redis is killed, every request ends with the truth.
func TestKills(t *testing.T) {
	want := *kills
	if want == 0 {
		if want = 6; os.Getenv("CI") != "" {
			want = 60
		}
	}
	c := newCast(t, !*shipped)
	longest := 400 * time.Millisecond
	if *shipped {
		longest = 2 * time.Second
	}
	began, rounds := time.Now(), 0
	for ; c.done < want || c.did[c.next()] < 1+want/30; rounds++ {
		c.round(rounds, func(card minislack.Message) {
			c.suffer(c.next(), requestOf(card))
			for range 1 + rand.IntN(3) {
				c.pass(time.Duration(rand.Int64N(int64(longest))))
				i := c.victim(requestOf(card))
				c.ends = append(c.ends, end{c.bots[i], time.Now()})
				c.bots[i].kill()
				c.gone()
				c.bots[i] = c.bot(!*shipped)
				c.done++
			}
		})
	}
	c.truth(rounds)
	t.Logf("%d kills over %d requests in %s; %v", c.done, rounds, time.Since(began).Round(time.Second), c.did)
	c.recoveries("kill -9")
}

// suffer lets trouble befall the bot that runs a request, or its Redis. It counts
// unless the run was over by then.
func (c *cast) suffer(befalls trouble, request string) {
	if befalls == none {
		c.did[none]++
		return
	}
	owner, replaced := c.owner(request), false
	switch befalls {
	case standsStill: // beyond its lease; then it wakes, and is to do no harm
		require.NoError(c.t, owner.Process.Signal(syscall.SIGSTOP))
		require.Eventually(c.t, func() bool {
			replaced = slices.ContainsFunc(c.bots, func(b *process) bool { return b != owner && b.claimed(request) })
			return replaced || owner.finished(request)
		}, 2*time.Minute, 5*time.Millisecond, "nobody took over")
		require.NoError(c.t, owner.Process.Signal(syscall.SIGCONT))
	case redisGone:
		c.redis.kill()
		c.redis.start(c.t)
		replaced = true
	case toldToStop:
		c.term(owner, !*shipped)
		replaced = handedOn.MatchString(owner.out.String())
	}
	if replaced {
		c.did[befalls]++
	}
}

// finished reports whether this process ended the run.
func (p *process) finished(request string) bool {
	return strings.Contains(p.out.String(), `msg="run finished" request=`+request)
}

// term tells a bot to stop, and starts another one.
func (c *cast) term(b *process, short bool) {
	require.NoError(c.t, b.Process.Signal(syscall.SIGTERM))
	<-b.done
	assert.True(c.t, b.ProcessState.Success(), "a clean exit: %s", b.out.String())
	c.gone()
	c.bots[slices.Index(c.bots, b)] = c.bot(short)
}

// claims are when this process claimed which request with which epoch.
var claims = regexp.MustCompile(`time=(\S+) level=INFO msg="run claimed" request=(\S+) epoch=(\d+)`)

var handedOn = regexp.MustCompile(`time=(\S+) level=INFO msg="run handed on"`)

// recoveries prints how long it took from the end of a bot that ran a request to
// the next claim of it, and returns these times, the longest last.
func (c *cast) recoveries(of string) []time.Duration {
	claimed, last := map[string]time.Time{}, map[*process]string{}
	for _, p := range c.all {
		for _, m := range claims.FindAllStringSubmatch(p.out.String(), -1) {
			at, err := time.Parse(time.RFC3339, m[1])
			require.NoError(c.t, err)
			claimed[m[2]+" "+m[3]] = at
			last[p] = m[2] + " " + m[3]
		}
	}
	var took []time.Duration
	for _, e := range c.ends {
		request, epoch, _ := strings.Cut(last[e.bot], " ")
		n, _ := strconv.Atoi(epoch)
		if next, ok := claimed[fmt.Sprint(request, " ", n+1)]; ok {
			took = append(took, next.Sub(e.at))
		}
	}
	if slices.Sort(took); len(took) > 0 {
		c.t.Logf("from %s to the next claim, %d times: p50 %s, p90 %s, longest %s", of, len(took),
			took[len(took)/2].Round(time.Millisecond), took[len(took)*9/10].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	}
	return took
}

// victim is mostly the bot that runs the request, and sometimes any other.
func (c *cast) victim(request string) int {
	for i, b := range c.bots {
		if b.claimed(request) && (*shipped || rand.IntN(3) > 0) {
			return i
		}
	}
	return rand.IntN(len(c.bots))
}

// claimed reports whether this process has claimed the request.
func (p *process) claimed(request string) bool {
	return strings.Contains(p.out.String(), `msg="run claimed" request=`+request)
}

// pass lets chance choose the moment of a kill. It waits for nothing.
func (c *cast) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.t.Context().Done():
	}
}

// owner is the bot that claimed last.
func (c *cast) owner(request string) *process {
	var owner *process
	require.Eventually(c.t, func() bool {
		for _, b := range c.bots {
			if b.claimed(request) {
				owner = b
				return true
			}
		}
		return false
	}, time.Minute, 5*time.Millisecond)
	return owner
}

// requestOf is the id on a card.
func requestOf(card minislack.Message) string {
	_, rest, _ := strings.Cut(card.Rendered(), "\nRequest ")
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

// Reliability row 15: while Redis is gone nothing that people do happens, and
// they are told; the chunk that Qualys was at is read back when Redis is there
// again.
func TestPeopleAreToldThatRedisIsGone(t *testing.T) {
	c := newCast(t, true)
	c.round(0, func(card minislack.Message) {
		c.owner(requestOf(card))
		c.qualys.GateAnswer("delete")
		require.NoError(t, c.qualys.Arrived(c.patience(), "delete"))
		c.await("a card to stop it", func(e minislack.Event) bool {
			return e.Kind == minislack.Updated && e.TS == card.TS && strings.Contains(e.Message.Rendered(), "[Stop]")
		})
		c.redis.kill()
		require.NoError(t, c.slack.As("carol").ClickThrough(card.Ref(), "Stop"))
		c.whispered("carol", "My memory cannot be reached")
		ack, err := c.slack.As("alice").Slash(channel, "/qualys-users", "count")
		require.NoError(t, err)
		assert.Contains(t, ack.Text, "I cannot reach my memory, so nothing happened.")
		c.qualys.Release("delete")
		c.redis.start(t)
	})
	c.truth(1)
}

// SIGTERM: the run is handed on at once, without waiting for the lease.
func TestATermHandsTheRunOn(t *testing.T) {
	c := newCast(t, false) // the shipped lease: 30 s
	const rounds = 5
	for n := range rounds {
		c.round(n, func(card minislack.Message) {
			owner := c.owner(requestOf(card))
			c.term(owner, false)
			if m := handedOn.FindStringSubmatch(owner.out.String()); m != nil { // else its last chunk was the run's
				at, err := time.Parse(time.RFC3339, m[1])
				require.NoError(t, err)
				c.ends = append(c.ends, end{owner, at})
			}
		})
	}
	c.truth(rounds)
	took := c.recoveries("handing a run on after SIGTERM")
	require.NotEmpty(t, took, "every run was over before its bot ended")
	assert.Less(t, took[len(took)-1], 10*time.Second, "nobody waited for the lease")
}
