package stage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/chat"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// Directions lists the stage directions that both stages follow, as patterns in
// which a * stands for a name or a number. The whole house follows those of
// [HouseDirections] as well.
func Directions() []string { return keysOf((&world{}).directions(nil)) }

// HouseDirections lists the directions about bots and Slack, which a desk has not.
func HouseDirections() []string { return keysOf((&House{world: &world{}}).directions()) }

func keysOf(d chat.Directions) []string {
	var all []string
	for pattern := range d {
		all = append(all, pattern)
	}
	slices.Sort(all)
	return all
}

// follow is what a direction does, with the words for its stars.
type follow = func(ctx context.Context, words []string) error

// directions are those that both stages follow. A change of the policy calls
// renew, which starts the bots again where they run already.
func (w *world) directions(renew func(context.Context) error) chat.Directions {
	all := chat.Directions{}
	for pattern, change := range w.aboutPolicy() {
		all[pattern] = func(ctx context.Context, words []string) error {
			if err := change(ctx, words); err != nil {
				return err
			}
			return renew(ctx)
		}
	}
	for _, more := range []chat.Directions{w.aboutPeople(), w.aboutQualys(), w.aboutUsers()} {
		for pattern, f := range more {
			all[pattern] = f
		}
	}
	return all
}

// aboutPolicy are the changes of policy.yaml.
func (w *world) aboutPolicy() chat.Directions {
	number := func(to func(n int)) follow {
		return func(_ context.Context, words []string) error {
			n, err := strconv.Atoi(words[0])
			to(n)
			return err
		}
	}
	say := func(change func(word string)) follow {
		return func(_ context.Context, words []string) error {
			change(strings.Join(words, " "))
			return nil
		}
	}
	return chat.Directions{
		"the policy needs two approvals":                 say(func(string) { w.policy.need = 2 }),
		"the policy allows * users at once":              number(func(n int) { w.policy.upTo = n }),
		"the policy allows * percent of everybody":       number(func(n int) { w.policy.percent = n }),
		"the policy allows * open requests":              number(func(n int) { w.policy.maxOpen = n }),
		"the policy lets requests wait for * minutes":    number(func(n int) { w.policy.expires = time.Duration(n) * time.Minute }),
		"the policy has no cool-down":                    say(func(string) { w.policy.coolDown = 0 }),
		"the policy protects the company *":              say(func(c string) { w.policy.companies = append(w.policy.companies, c) }),
		"the policy protects the login *":                say(func(l string) { w.policy.logins = append(w.policy.logins, l) }),
		"the policy lets files go to any channel":        say(func(string) { w.policy.anyFiles = true }),
		"the policy names people and no groups":          say(func(string) { w.policy.name(w.groups["requesters"], w.groups["approvers"]) }),
		"the policy takes * and * for one person":        follow(w.onePerson),
		"alice and bob are the whole team, named by id":  say(func(string) { w.policy.name([]string{"alice", "bob"}, []string{"alice", "bob"}) }),
		"bob asks and approves, too":                     say(func(string) { w.policy.requesters = append(w.policy.requesters, personID("bob")) }),
		"the policy names nobody but bob as an approver": say(func(string) { w.policy.approvers = ids([]string{"bob"}) }),
	}
}

func (w *world) onePerson(_ context.Context, words []string) error {
	w.policy.samePerson = ids(words)
	return nil
}

// aboutPeople are the changes of the workspace.
func (w *world) aboutPeople() chat.Directions {
	profile := func(change func(*minislack.Person)) follow {
		return func(_ context.Context, words []string) error {
			if err := w.known(words[0]); err != nil {
				return err
			}
			w.slack.SetProfile(words[0], change)
			return nil
		}
	}
	return chat.Directions{
		"* leaves the *": func(_ context.Context, words []string) error {
			return w.setGroup(words[1], func(in []string) []string {
				return slices.DeleteFunc(in, func(name string) bool { return name == words[0] })
			})
		},
		"* joins the *": func(_ context.Context, words []string) error {
			if err := w.known(words[0]); err != nil {
				return err
			}
			return w.setGroup(words[1], func(in []string) []string { return append(in, words[0]) })
		},
		"* is deactivated":                 profile(func(p *minislack.Person) { p.Deleted = true }),
		"* becomes a guest":                profile(func(p *minislack.Person) { p.Restricted = true }),
		"* gets the e-mail address of bob": profile(func(p *minislack.Person) { p.Email = "bob@example.com" }),
		"* renames the account to bob":     profile(func(p *minislack.Person) { p.RealName = "Bob Baker" }),
		"the Slack plan has no groups": func(context.Context, []string) error {
			w.withoutGroups = true
			w.slack.SetPlanWithoutGroups(true)
			return nil
		},
		"the channel is public":             w.channel(func(c *minislack.Channel) { c.Private = false }),
		"the channel is shared with others": w.channel(func(c *minislack.Channel) { c.ExtShared = true }),
	}
}

func (w *world) channel(change func(*minislack.Channel)) follow {
	return func(context.Context, []string) error {
		w.slack.SetChannel(homeName, change)
		return nil
	}
}

// serverError is what Qualys' servers say when they fail.
const serverError = "<html>Internal Server Error</html>"

// writes are the operations that change users.
var writes = []miniqualys.Op{miniqualys.Update, miniqualys.Delete}

// aboutQualys are the faults of Qualys.
func (w *world) aboutQualys() chat.Directions {
	do := func(f func(words []int)) follow {
		return func(_ context.Context, words []string) error {
			numbers := make([]int, len(words))
			for i, word := range words {
				n, err := strconv.Atoi(word)
				if err != nil {
					return fmt.Errorf("%q is no number", word)
				}
				numbers[i] = n
			}
			f(numbers)
			return nil
		}
	}
	each := func(ops []miniqualys.Op, f func(miniqualys.Op)) {
		for _, op := range ops {
			f(op)
		}
	}
	return chat.Directions{
		"Qualys takes * seconds for every change": do(func(n []int) {
			each(writes, func(op miniqualys.Op) { w.qualys.Slow(op, time.Duration(n[0])*time.Second) })
		}),
		"Qualys takes * seconds for every search": do(func(n []int) {
			w.qualys.Slow(miniqualys.Search, time.Duration(n[0])*time.Second)
		}),
		"Qualys is fast again": do(func([]int) { each(miniqualys.Ops(), func(op miniqualys.Op) { w.qualys.Slow(op, 0) }) }),
		"Qualys works on the next change and its answer is lost": do(func([]int) {
			each(writes, func(op miniqualys.Op) { w.qualys.LoseAnswers(op, 1) })
		}),
		"Qualys never gets the next change": do(func([]int) {
			each(writes, func(op miniqualys.Op) { w.qualys.LoseCalls(op, 1) })
		}),
		"Qualys deletes only * of *": do(func(n []int) { w.qualys.DeleteOnly(n[0], n[1]) }),
		"Qualys turns the next change away for * seconds": do(func(n []int) {
			each(writes, func(op miniqualys.Op) {
				w.qualys.RateLimit(op, 409, map[string]string{"X-RateLimit-ToWait-Sec": strconv.Itoa(n[0])}, 1)
			})
		}),
		"Qualys turns the next search away for * seconds": do(func(n []int) {
			w.qualys.RateLimit(miniqualys.Search, 409, map[string]string{"X-RateLimit-ToWait-Sec": strconv.Itoa(n[0])}, 1)
		}),
		"Qualys answers the next change with an error": do(func([]int) {
			each(writes, func(op miniqualys.Op) { w.qualys.Fail(op, 500, serverError, 1) })
		}),
		"Qualys answers every change with an error": do(func([]int) {
			each(writes, func(op miniqualys.Op) { w.qualys.Fail(op, 500, serverError, -1) })
		}),
		"Qualys refuses the password":         do(func([]int) { w.qualys.RevokeCredentials() }),
		"Qualys accepts the password again":   do(func([]int) { w.qualys.SetCredentials(miniqualys.Username, miniqualys.Password) }),
		"Qualys is down":                      do(func([]int) { each(miniqualys.Ops(), func(op miniqualys.Op) { w.qualys.Fail(op, 503, "", -1) }) }),
		"Qualys is back":                      do(func([]int) { w.qualys.Heal() }),
		"Qualys forgets rows of its download": do(func([]int) { w.quirk(func(q *miniqualys.Quirks) { q.CapTotal = true }) }),
		"Qualys ignores conditions on *": func(_ context.Context, words []string) error {
			w.quirk(func(q *miniqualys.Quirks) { q.IgnoreCriteria = words })
			return nil
		},
	}
}

func (w *world) quirk(change func(*miniqualys.Quirks)) {
	q := w.qualys.Quirks()
	change(&q)
	w.qualys.SetQuirks(q)
}

// occupy has somebody ask for changes of so many users of Umbrella, one by one.
// What is seen of it is nothing new.
func (w *world) occupy(ctx context.Context, s chat.Stage, words []string) error {
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return fmt.Errorf("%q is no number", words[1])
	}
	for _, u := range w.qualys.SAQUsers() {
		if u.Company != "Umbrella" || n == 0 {
			continue
		}
		n--
		text := fmt.Sprintf(`%s update id=%d set title=Left reason="SEC-140"`, command, u.ID)
		if err := s.Do(ctx, chat.Act{Who: words[0], Deed: chat.Say, Text: text}); err != nil {
			return err
		}
		if _, err := s.Seen(ctx); err != nil {
			return err
		}
	}
	return nil
}

// aboutUsers are changes of SAQ users that somebody else makes.
func (w *world) aboutUsers() chat.Directions {
	user := func(f func(u miniqualys.SAQUser)) follow {
		return func(_ context.Context, words []string) error {
			id, err := strconv.ParseInt(words[0], 10, 64)
			if err != nil {
				return fmt.Errorf("%q is no id", words[0])
			}
			u, there := w.qualys.SAQUser(id)
			if !there {
				return fmt.Errorf("there is no SAQ user %d", id)
			}
			f(u)
			return nil
		}
	}
	return chat.Directions{
		"somebody else gives user * a new title": user(func(u miniqualys.SAQUser) {
			u.Title = "Chief Everything Officer"
			w.qualys.SetSAQUser(u)
		}),
		"somebody else deletes user *":                             user(func(u miniqualys.SAQUser) { w.qualys.RemoveSAQUser(u.ID) }),
		"user * is deleted and created again under the same login": user(func(u miniqualys.SAQUser) { w.qualys.Recreate(u.ID) }),
		"* new users of * appear": func(_ context.Context, words []string) error {
			n, err := strconv.Atoi(words[0])
			if err == nil {
				w.qualys.AddSAQUsers(n, words[1])
			}
			return err
		},
	}
}
