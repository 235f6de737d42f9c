package lookup_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

const policy = `
channels: [CSEC]
readers: [UALICE]
requesters: [UALICE]
approvers: [UBOB]
`

// A room is a finder in a bubble, with a Qualys behind it.
type room struct {
	*lookup.Finder
	api  *miniqualys.Server
	told []string
}

// inRoom runs a test with a finder whose waits cost no time.
func inRoom(t *testing.T, test func(t *testing.T, r *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &room{api: miniqualys.NewInMemory()}
		defer r.api.Close()
		users, err := qualys.New(qualys.Config{
			APIURL: r.api.URL(), GatewayURL: r.api.URL(), Username: miniqualys.Username, Password: miniqualys.Password, Dial: r.api.Dial,
		})
		require.NoError(t, err)
		defer users.Close()
		rulebook, err := rules.Parse([]byte(policy))
		require.NoError(t, err)
		r.Finder = &lookup.Finder{
			Users: users, Policy: rulebook, Tenant: "test",
			News: lookup.NewNews(func(text string) { r.told = append(r.told, text) }),
		}
		test(t, r)
	})
}

// busy has Qualys turn so many calls away for a while each.
func (r *room) busy(op miniqualys.Op, seconds, calls int) {
	r.api.RateLimit(op, 409, map[string]string{"X-RateLimit-ToWait-Sec": strconv.Itoa(seconds)}, calls)
}

func (r *room) read(ctx context.Context, f qualys.Filter) (users int, err error) {
	err = r.Each(ctx, f, func(qualys.SAQUser) error {
		users++
		return nil
	})
	return users, err
}

// P43: whoever waits hears of a long wait, whatever they asked for.
func TestALongWaitIsToldToWhoeverAsked(t *testing.T) {
	request := grammar.Request{Verb: grammar.Delete, Filter: qualys.Filter{{Field: qualys.Company, Operator: qualys.Equals, Values: []string{"Hooli"}}}}
	for name, ask := range map[string]func(r *room) error{
		"find": func(r *room) error {
			_, err := r.read(context.Background(), nil)
			return err
		},
		"count": func(r *room) error {
			_, err := r.Count(context.Background(), nil)
			return err
		},
		"a draft": func(r *room) error {
			_, err := r.Draft(context.Background(), request)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRoom(t, func(t *testing.T, r *room) {
				r.api.AddSAQUsers(3, "Hooli")
				r.busy(miniqualys.Search, 30, 1)
				if name == "count" {
					r.busy(miniqualys.Count, 30, 1)
				}
				begin := time.Now()
				require.NoError(t, ask(r))
				assert.GreaterOrEqual(t, time.Since(begin), 30*time.Second)
				require.Len(t, r.told, 1)
				assert.Regexp(t, `^Qualys makes me wait 3\d seconds; then I go on\.$`, r.told[0])
			})
		})
	}
}

// Many waits are no flood: two are told, and that there may be more.
func TestManyWaitsAreToldTwice(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.api.AddSAQUsers(3, "Hooli")
		r.busy(miniqualys.Search, 40, 4)
		users, err := r.read(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, 3, users)
		require.Len(t, r.told, 2)
		assert.Regexp(t, `^Qualys makes me wait again, 4\d seconds this time\. I go on by myself, and do not tell you of every wait\.$`, r.told[1])
	})
}

func TestAShortWaitIsNotTold(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.busy(miniqualys.Count, 2, 1)
		_, err := r.Count(t.Context(), nil)
		require.NoError(t, err)
		assert.Empty(t, r.told)
	})
}

// A long reading is counted once, on the way, and told once. Calls are scarce.
func TestALongReadingSaysWhatItTakes(t *testing.T) {
	for _, tt := range []struct {
		users, calls, counts int
		told                 []string
	}{
		{4000, 5, 0, nil},
		{6001, 7, 1, []string{"Qualys has 6,001 SAQ users. Reading them takes 7 calls, about 12 seconds more."}},
	} {
		t.Run(fmt.Sprint(tt.users), func(t *testing.T) {
			inRoom(t, func(t *testing.T, r *room) {
				r.api.AddSAQUsers(tt.users, "Umbrella")
				r.api.Slow(miniqualys.Search, 10*time.Second)
				users, err := r.read(t.Context(), nil)
				require.NoError(t, err)
				assert.Equal(t, tt.users, users)
				assert.Equal(t, tt.told, r.told)
				assert.Equal(t, tt.calls, r.api.Calls(miniqualys.Search))
				assert.Equal(t, tt.counts, r.api.Calls(miniqualys.Count))
			})
		})
	}
}

// A list of ids that takes many calls says so before the first.
func TestALongListOfIdsSaysWhatItTakes(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		first := r.api.AddSAQUsers(3, "Hooli")[0].ID
		ids := qualys.Condition{Field: qualys.ID, Operator: qualys.In}
		for i := range int64(2501) {
			ids.Values = append(ids.Values, strconv.FormatInt(first+i, 10))
		}
		users, err := r.read(t.Context(), qualys.Filter{ids})
		require.NoError(t, err)
		assert.Positive(t, users)
		assert.Equal(t, []string{"This takes 6 calls of Qualys."}, r.told)
		assert.Equal(t, 6, r.api.Calls(miniqualys.Search))
	})
}

// A plan of more users than any policy allows is given up, and announces nothing.
func TestADraftStopsAtTheLargestPlan(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.api.AddSAQUsers(7000, "Umbrella")
		_, err := r.Draft(t.Context(), grammar.Request{Verb: grammar.Delete})
		assert.Equal(t, refusal.CapError{Users: approvals.MaxUsers + 1, Most: 100}, err)
		assert.Empty(t, r.told)
		assert.Equal(t, 1, r.api.Calls(miniqualys.Count), "the scope alone")
	})
}
