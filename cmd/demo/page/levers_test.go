package page

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
	"countersign/qualys"
)

// pair are two bots that run or do not.
type pair [2]bool

func (p *pair) Count() int                           { return len(p) }
func (p *pair) State(n int) BotState                 { return BotState{Running: p[n-1]} }
func (p *pair) Kill(n int) error                     { p[n-1] = false; return nil }
func (p *pair) Start(_ context.Context, n int) error { p[n-1] = true; return nil }

// A dead bot has a successor only while another one runs.
func TestALeverSaysWhoGoesOn(t *testing.T) {
	bots := &pair{true, true}
	first, second := botLever(bots, 1), botLever(bots, 2)
	require.NoError(t, first.Pull(t.Context()))
	assert.Equal(t, "The other one takes over what it was doing.", first.State().About)
	require.NoError(t, second.Pull(t.Context()))
	assert.Equal(t, "Nobody is left. Whoever starts first goes on with what stands in Redis.", first.State().About)
	require.NoError(t, second.Pull(t.Context()))
	assert.Equal(t, "Bot 2 runs", second.State().Status)
	assert.Equal(t, "The other one takes over what it was doing.", first.State().About)
}

// Whoever pulls a lever sees that it was pulled, until what it does has happened.
func TestALeverSaysThatItWasPulled(t *testing.T) {
	api := miniqualys.NewInMemory()
	t.Cleanup(api.Close)
	users := api.AddSAQUsers(3, "Acme")
	client, err := qualys.New(qualys.Config{
		APIURL: api.URL(), GatewayURL: api.URL(), Username: miniqualys.Username, Password: miniqualys.Password, Dial: api.Dial,
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	erase := func(n int) error {
		_, err := client.Delete(t.Context(), []qualys.SAQUserID{qualys.SAQUserID(users[n].ID)})
		return err
	}

	l := answerLever(api)
	assert.Equal(t, minislack.LeverState{
		Label: "Lose the next", Status: "Every answer arrives",
		About: "The next change is done, and the line breaks before anybody hears of it.",
	}, l.State())
	require.NoError(t, l.Pull(t.Context()))
	assert.Equal(t, "Loses the next answer to a delete and to an update", l.State().Status)
	require.NoError(t, l.Pull(t.Context()))
	assert.Equal(t, "Every answer arrives", l.State().Status, "pulled again before anything was lost")
	require.NoError(t, erase(0))

	require.NoError(t, l.Pull(t.Context()))
	require.ErrorIs(t, erase(1), qualys.ErrUnknownOutcome)
	assert.Len(t, api.SAQUsers(), 1, "the work itself was done")
	assert.Equal(t, "Loses the next answer to an update", l.State().Status)
	require.NoError(t, l.Pull(t.Context()))
	assert.False(t, l.State().Broken)
}

// A lever that breaks something once says so for a moment.
func TestALeverThatBreaksOnceSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pulled := 0
		l := once("limit", "Slack", "Send 429", "Posts are taken", "Turns posts away", "", func() { pulled++ })
		assert.Equal(t, "Posts are taken", l.State().Status)
		require.NoError(t, l.Pull(t.Context()))
		assert.Equal(t, 1, pulled)
		assert.Equal(t, "Turns posts away", l.State().Status)
		time.Sleep(recently)
		assert.Equal(t, "Posts are taken", l.State().Status)
	})
}
