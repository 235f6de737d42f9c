package app_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// Promises 1 to 4, with the program that people run: 49 users are asked for,
// the requester is refused, an approver approves, exactly these 49 are gone.
func TestADeleteOverRealProcesses(t *testing.T) {
	w := newTown(t)
	w.qualys.Example()
	before := w.users()
	w.realBot()
	alice := w.slack.As("alice")
	ack, err := alice.Slash(channel, "/qualys-users", `delete firstName=NewVendor reason="SEC-124"`)
	require.NoError(t, err)
	assert.Contains(t, ack.Text, "Looking up")
	card := w.card("Delete 49 SAQ users")

	require.NoError(t, alice.ClickThrough(card.Ref(), "Approve"))
	w.whispered("alice", "You asked for this one. A second person has to approve it.")
	w.approve("bob", card, "DELETE 49")
	w.says("Deleted 49 of 49 SAQ users")

	rows, err := csv.NewReader(strings.NewReader(w.content("result-delete-saq-49-users-"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 50)
	head := map[string]int{}
	for i, name := range rows[0] {
		head[name] = i
	}
	gone := map[string]bool{}
	for _, row := range rows[1:] {
		assert.Equal(t, "gone", row[head["observed"]])
		assert.Equal(t, "done", row[head["outcome"]])
		gone[row[head["id"]]] = true
	}
	after := w.users()
	assert.Len(t, before, len(after)+49)
	for id, first := range before {
		_, there := after[id]
		assert.Equal(t, first != "NewVendor", there, "user %s", id)
		assert.Equal(t, !there, gone[id], "user %s", id)
	}
	assert.Zero(t, w.qualys.Wild(), "no write without ids")
	assert.Zero(t, w.qualys.RepeatedDeletes())
	assert.Empty(t, w.slack.Pings())
}

// users are the simulated Qualys' SAQ users: first names by id.
func (w *town) users() map[string]string {
	all := map[string]string{}
	for _, u := range w.qualys.SAQUsers() {
		all[fmt.Sprint(u.ID)] = u.FirstName
	}
	return all
}

// Promise 3, P42: killed with SIGKILL in the middle of a chunk, another process
// finishes: nobody is deleted twice, and one summary is posted.
func TestAKilledBotsRunIsFinished(t *testing.T) {
	for name, gate := range map[string]func(*town){
		"before Qualys worked": func(w *town) { w.qualys.Gate("delete") },
		"after Qualys worked":  func(w *town) { w.qualys.GateAnswer("delete") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.qualys.Example()
			first := w.bot(true)
			_, err := w.slack.As("alice").Slash(channel, "/qualys-users", `delete firstName=NewVendor reason="SEC-124"`)
			require.NoError(t, err)
			card := w.card("Delete 49 SAQ users")
			gate(w)
			w.approve("bob", card, "DELETE 49")
			require.NoError(t, w.qualys.Arrived(w.patience(), "delete")) // the canary
			w.qualys.Release("delete")
			gate(w)
			require.NoError(t, w.qualys.Arrived(w.patience(), "delete")) // 25 users
			first.kill()
			w.gone()
			w.qualys.Release("delete")
			w.bot(true)
			w.says("Deleted 49 of 49 SAQ users") // in the trail, or already in the summary
			w.await("the summary", func(e minislack.Event) bool { return e.Kind == minislack.Posted && isSummary(e.Message) })

			summaries := 0
			for _, m := range w.slack.Messages(channel) {
				if isSummary(m) {
					summaries++
				}
			}
			assert.Equal(t, 1, summaries, w.seen())
			assert.Zero(t, w.qualys.RepeatedDeletes(), "nobody was deleted twice")
			assert.Len(t, w.users(), 1200-49)
		})
	}
}

// isSummary tells the one line that says what came of a run from its entry in
// the trail.
func isSummary(m minislack.Message) bool {
	return m.Metadata != nil && m.Metadata.Type == "countersign_summary"
}

// Promise 3, P12, P16: fifty approvers click at once, through three bots; one
// execution.
func TestFiftyApproversAtOnce(t *testing.T) {
	w := newTown(t)
	w.qualys.AddSAQUsers(60, "Acme")
	var ids []string
	for i := range 50 {
		p := w.slack.AddPerson(minislack.Person{Name: fmt.Sprintf("approver%d", i), Email: fmt.Sprintf("a%d@example.com", i)})
		w.slack.Join(channel, p.Name)
		ids = append(ids, p.ID)
	}
	w.policy(strings.Replace(defaultPolicy, "U0BOB, U0CAROL]\ncool", strings.Join(ids, ", ")+"]\ncool", 1))
	for range 3 {
		w.bot(false)
	}
	victims := w.qualys.SAQUsers()[:3]
	_, err := w.slack.As("alice").Slash(channel, "/qualys-users",
		fmt.Sprintf(`delete id=%d,%d,%d reason="SEC-125"`, victims[0].ID, victims[1].ID, victims[2].ID))
	require.NoError(t, err)
	card := w.card("Delete 3 SAQ users")
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			assert.NoError(t, w.slack.As(fmt.Sprintf("approver%d", i)).ClickThrough(card.Ref(), "Approve"))
		})
	}
	all.Wait()
	w.says("Deleted 3 of 3 SAQ users")
	kinds := map[string]int{}
	for _, m := range w.slack.Messages(channel) {
		if m.Metadata != nil && m.Metadata.Type == "countersign_entry" {
			kinds[regexp.MustCompile(`"kind": ?"(\w+)"`).FindStringSubmatch(string(m.Metadata.Payload))[1]]++
		}
	}
	assert.Equal(t, 1, kinds["approved"], kinds)
	assert.Equal(t, 1, kinds["started"], kinds)
	assert.Equal(t, 1, kinds["finished"], kinds)
	assert.Zero(t, w.qualys.RepeatedDeletes())
	assert.Len(t, w.users(), 57)
}

// P05, P21, reliability row 5: rights that go between the click and the start
// stop it, and the channel says why.
func TestRightsAreJudgedAgainAtTheStart(t *testing.T) {
	for _, tt := range []struct {
		name, why string
		take      func(*town)
	}{
		{"the requester's", "U0ALICE", func(w *town) { w.slack.SetGroup("requesters") }},
		{"the approver's", "somebody who approved it", func(w *town) { w.slack.SetGroup("approvers", "carol") }},
		{"the policy", "polic", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t)
			w.qualys.AddSAQUsers(60, "Acme")
			const policy = `
channels: [C0QUALYSADMIN]
readers: [S0REQUESTERS]
requesters: [S0REQUESTERS]
approvers: [S0APPROVERS]
cool_down: 8s
`
			w.policy(policy)
			bot := w.bot(false)
			id := w.qualys.SAQUsers()[0].ID
			_, err := w.slack.As("alice").Slash(channel, "/qualys-users", fmt.Sprintf(`delete id=%d reason="SEC-126"`, id))
			require.NoError(t, err)
			w.approve("bob", w.card("Delete 1 SAQ user"), "")
			w.await("the approval's entry", func(e minislack.Event) bool {
				return e.Kind == minislack.Posted && strings.Contains(e.Message.Rendered(), "approved")
			})
			if tt.take != nil {
				tt.take(w)
			} else {
				bot.kill()
				w.gone()
				w.policy(policy + "approvals: [{up_to: 100, need: 2}]\n")
				w.bot(false)
			}
			e := w.says("was not started")
			assert.Contains(t, e.Message.Rendered(), tt.why)
			assert.Len(t, w.users(), 60)
			assert.Zero(t, w.qualys.Calls("delete"))
		})
	}
}

// P45: downloads are complete, whatever their size, and the bot stays small:
// the peak memory of its process is printed and bounded.
func TestDownloadsAreCompleteInLittleMemory(t *testing.T) {
	for _, n := range []int{2500, 100_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newTown(t)
			w.qualys.AddPlatformUsers(n)
			bot := w.realBot()
			_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "download")
			require.NoError(t, err)
			content := w.content(fmt.Sprintf("users-platform-%d-", n))
			rows, err := csv.NewReader(strings.NewReader(content)).ReadAll()
			require.NoError(t, err)
			assert.Len(t, rows, n+1)
			names := map[string]bool{}
			for _, row := range rows[1:] {
				names[row[0]] = true
			}
			assert.Len(t, names, n)
			assert.Equal(t, (n+999)/1000, w.qualys.Calls("download"))
			kB := peak(t, bot.Process.Pid)
			t.Logf("peak memory of the bot (VmHWM) after %d users: %.1f MB", n, float64(kB)/1024)
			assert.Less(t, kB, 64*1024, "kB")
		})
	}
}

// peak is the most memory a process ever held, in kB (Linux: VmHWM).
func peak(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("this system has no /proc")
	}
	for line := range strings.Lines(string(status)) {
		var kB int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kB); n == 1 {
			return kB
		}
	}
	t.Fatal("VmHWM is not there")
	return 0
}
