package slack

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals/rules"
	"countersign/slack/web"
)

const (
	profileAge = time.Minute     // the oldest profile that anything is judged by
	lookUpTime = 5 * time.Second // the longest look-up
)

// Directory looks people and groups up, with answers that are at most that old:
// 5 s for requests and decisions, 60 s for reads and between the chunks of a
// run. Directories of several ages share their look-ups, and a burst is one
// look-up. What cannot be looked up is an error, never a yesterday's answer.
func (s *Slack) Directory(age time.Duration) rules.Directory { return directory{s, age} }

type directory struct {
	slack *Slack
	age   time.Duration
}

// Profile reads users.info.
func (d directory) Profile(ctx context.Context, p rules.Person) (rules.Profile, error) {
	found, err := d.slack.people.look(ctx, "person "+p.ID, min(d.age, profileAge), func(ctx context.Context) (any, error) {
		return d.slack.profile(ctx, p.ID)
	})
	if err != nil {
		return rules.Profile{}, err
	}
	f := found.(rules.Profile)
	// A payload of another workspace speaks of nobody here, whatever id it names.
	// In an organisation the profile tells whose people they are.
	if we := d.slack.web.Identity(); p.Team != "" && p.Team != we.Team && we.Enterprise == "" {
		f.Stranger = true
	}
	return f, nil
}

// Members reads usergroups.users.list.
func (d directory) Members(ctx context.Context, group string) ([]string, error) {
	found, err := d.slack.people.look(ctx, "group "+group, d.age, func(ctx context.Context) (any, error) {
		return d.slack.members(ctx, group)
	})
	if err != nil {
		return nil, err
	}
	return found.([]string), nil
}

func (s *Slack) profile(ctx context.Context, id string) (rules.Profile, error) {
	if err := s.web.Introduced(ctx); err != nil {
		return rules.Profile{}, err
	}
	var u *slack.User
	err := s.web.Call(ctx, "users.info", "", func(ctx context.Context) (err error) {
		u, err = s.web.API.GetUserInfoContext(ctx, id)
		return err
	})
	switch {
	case web.Is(err, "user_not_found", "users_not_found", "user_not_visible"):
		return rules.Profile{}, rules.ErrUnknownPerson
	case err != nil:
		return rules.Profile{}, err
	case u.ID != id:
		return rules.Profile{}, fmt.Errorf("users.info: asked for %s, got %s", id, u.ID)
	}
	we := s.web.Identity()
	// Who has no workspace in the answer is a member of the one that was asked.
	ours := u.TeamID == "" || u.TeamID == we.Team || we.Enterprise != "" && u.Enterprise.EnterpriseID == we.Enterprise
	return rules.Profile{
		Name: u.Name, Email: u.Profile.Email, TimeZone: u.TZ, Enterprise: u.Enterprise.ID, Team: u.TeamID,
		Deleted:    u.Deleted,
		Bot:        u.IsBot || u.IsWorkflowBot || u.IsConnectorBot,
		Restricted: u.IsRestricted, UltraRestricted: u.IsUltraRestricted,
		Stranger: u.IsStranger || !ours,
	}, nil
}

func (s *Slack) members(ctx context.Context, group string) ([]string, error) {
	var ids []string
	err := s.web.Call(ctx, "usergroups.users.list", "", func(ctx context.Context) (err error) {
		ids, err = s.web.API.GetUserGroupMembersContext(ctx, group)
		return err
	})
	return ids, err
}

// A cache keeps answers and the moment they were asked for. One question that
// is on its way answers everybody who asks it meanwhile.
type cache struct {
	mu      sync.Mutex // guards what follows; never held while waiting
	answers map[string]answer
	asking  map[string]*question
	running sync.WaitGroup
}

type answer struct {
	value any
	asked time.Time
}

// A question is a look-up on its way.
type question struct {
	done  chan struct{}
	value any
	err   error // both set before done is closed
}

// mostAnswers bounds the memory of the cache.
const mostAnswers = 2000

func newCache() *cache {
	return &cache{answers: map[string]answer{}, asking: map[string]*question{}}
}

// look answers from what is at most that old, or asks. The question goes on
// when ctx ends: others may wait for it. Failures are not kept.
func (c *cache) look(ctx context.Context, key string, age time.Duration, ask func(context.Context) (any, error)) (any, error) {
	c.mu.Lock()
	if a, ok := c.answers[key]; ok && time.Since(a.asked) < age {
		c.mu.Unlock()
		return a.value, nil
	}
	q := c.asking[key]
	if q == nil {
		q = &question{done: make(chan struct{})}
		c.asking[key] = q
		c.running.Go(func() { c.ask(context.WithoutCancel(ctx), key, q, ask) })
	}
	c.mu.Unlock()
	select {
	case <-q.done:
		return q.value, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cache) ask(ctx context.Context, key string, q *question, ask func(context.Context) (any, error)) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	asked := time.Now()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.asking, key)
		if q.err == nil {
			if len(c.answers) >= mostAnswers {
				clear(c.answers)
			}
			c.answers[key] = answer{q.value, asked}
		}
		close(q.done)
	}()
	q.value, q.err = ask(ctx)
}
