package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// noSecrets searches everything the bot left behind for what must stay with
// it: the log, the channel, the files, and Redis, where users' data is
// encrypted too.
func (w *town) noSecrets(bot *process) {
	places := map[string]string{"the log": bot.out.String(), "Redis": w.everythingInRedis()}
	for _, m := range w.slack.Messages(channel) {
		places["the channel"] += m.Text + string(m.Blocks)
		if m.Metadata != nil {
			places["metadata"] += string(m.Metadata.Payload)
		}
		for _, f := range m.Files {
			content, _ := w.slack.FileContent(f.ID)
			places["a file"] += string(content)
		}
	}
	canaries := map[string]string{
		"the bot token": minislack.BotToken, "the app token": minislack.AppToken,
		"the password": miniqualys.Password, "the key": testKey,
	}
	for where, text := range places {
		require.NotEmpty(w.t, text, where)
		for what, canary := range canaries {
			assert.NotContains(w.t, text, canary, "%s in %s", what, where)
		}
	}
	for _, u := range w.qualys.SAQUsers()[:50] {
		if u.EmailAddress != "" {
			assert.False(w.t, strings.Contains(places["Redis"], u.EmailAddress), "%s stands in Redis", u.EmailAddress)
		}
	}
}

// everythingInRedis is every value of every key, as text.
func (w *town) everythingInRedis() string {
	options, err := redis.ParseURL(w.Redis)
	require.NoError(w.t, err)
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	ctx := context.Background()
	var all strings.Builder
	keys, err := client.Keys(ctx, "*").Result()
	require.NoError(w.t, err)
	for _, key := range keys {
		kind, err := client.Type(ctx, key).Result()
		require.NoError(w.t, err)
		var value any
		switch kind {
		case "string":
			value, err = client.Get(ctx, key).Result()
		case "hash":
			value, err = client.HGetAll(ctx, key).Result()
		case "set":
			value, err = client.SMembers(ctx, key).Result()
		case "zset":
			value, err = client.ZRange(ctx, key, 0, -1).Result()
		case "stream":
			value, err = client.XRange(ctx, key, "-", "+").Result()
		default:
			w.t.Fatalf("a key of type %s", kind)
		}
		require.NoError(w.t, err)
		fmt.Fprintln(&all, key, value)
	}
	return all.String()
}

// P62: what the bot knows and must not tell stays with it, while a plan waits
// and after a download.
func TestSecretsStayWithTheBot(t *testing.T) {
	w := newTown(t)
	w.qualys.Example()
	bot := w.realBot()
	alice := w.slack.As("alice")
	_, err := alice.Slash(channel, "/qualys-users", `delete firstName=NewVendor reason="SEC-124"`)
	require.NoError(t, err)
	w.card("Delete 49 SAQ users")
	_, err = alice.Slash(channel, "/qualys-users", "download limit=100")
	require.NoError(t, err)
	w.content("users-platform-100-")
	w.qualys.RevokeCredentials()
	_, err = alice.Slash(channel, "/qualys-users", "find company=NewVendor")
	require.NoError(t, err)
	w.whispered("alice", "Qualys")
	w.noSecrets(bot)
}
