package approvals

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every change of a value is an event, however often it goes back and forth.
func TestEveryChangeIsAnnounced(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		tell := func(before string) (Event, bool) {
			return Event{Kind: Start, Facts: Facts{Detail: before}}, before != ""
		}
		for _, v := range []string{"one", "one", "two", "one", "two"} {
			require.NoError(t, b.Announce(t.Context(), "version", v, tell))
			newest, err := b.Recorded(t.Context(), "version")
			require.NoError(t, err)
			assert.Equal(t, v, newest)
		}
		events := postAll(t, b)
		assert.Equal(t, []Kind{Start, Start, Start}, kinds(events))
		assert.Equal(t, []string{"one", "two", "one"}, []string{events[0].Facts.Detail, events[1].Facts.Detail, events[2].Facts.Detail})
	})
}
