package minislack_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// form is a view with a reason, a choice and a file.
func form() obj {
	return obj{
		"type": "modal", "callback_id": "delete", "private_metadata": "K7F3Q", "title": plain("Delete"), "submit": plain("Ask"),
		"blocks": []any{
			obj{"type": "input", "block_id": "why", "label": plain("Reason"),
				"element": obj{"type": "plain_text_input", "action_id": "text", "max_length": 20}},
			obj{"type": "input", "block_id": "how", "label": plain("How"), "optional": true,
				"element": obj{"type": "static_select", "action_id": "pick", "initial_option": option("By id", "id"),
					"options": []any{option("By id", "id"), option("By name", "name")}}},
			obj{"type": "input", "block_id": "list", "label": plain("Ids"), "optional": true,
				"element": obj{"type": "file_input", "action_id": "csv", "filetypes": []any{"csv"}, "max_files": 1}},
			obj{"type": "actions", "elements": []any{button(obj{"action_id": "preview", "text": plain("Preview")})}},
		},
	}
}

// opened makes alice type a command and opens a view with its trigger.
func opened(t *testing.T, s *minislack.Server, a *app, l *line, view obj) envelope {
	t.Helper()
	done := make(chan error)
	go func() { _, err := s.As("alice").Slash(channel, "/qualys-users", "delete"); done <- err }()
	e := l.next()
	l.ack(e.ID, nil)
	require.NoError(t, <-done)
	got := a.callJSON("views.open", minislack.BotToken, obj{"trigger_id": e.Payload["trigger_id"], "view": view})
	require.Empty(t, got.Refused, got.Body)
	return e
}

// A trigger opens one view, within three seconds.
func TestATriggerOpensOneViewInTime(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		open := func(trigger any) string {
			return a.callJSON("views.open", minislack.BotToken, obj{"trigger_id": trigger, "view": form()}).Refused
		}
		e := opened(t, s, a, l, form())
		assert.Equal(t, "exchanged_trigger_id", open(e.Payload["trigger_id"]))
		assert.Equal(t, "invalid_trigger_id", open("1.2.3"))
		assert.Equal(t, "invalid_arguments", open(""))
		_, _ = s.As("alice").Slash(channel, "/qualys-users", "delete") // takes three seconds
		assert.Equal(t, "expired_trigger_id", open(l.next().Payload["trigger_id"]))
	})
}

// Views have limits of their own.
func TestViewLimits(t *testing.T) {
	_, a := install(t)
	with := func(key string, value any) obj {
		v := form()
		if value == nil {
			delete(v, key)
		} else {
			v[key] = value
		}
		return v
	}
	input := func(element obj) obj {
		return with("blocks", []any{obj{"type": "input", "label": plain("x"), "element": element}})
	}
	for _, c := range []struct {
		name  string
		view  obj
		where string
	}{
		{"a title of 25", with("title", plain(x(25))), "/view/title/text"},
		{"a title in mrkdwn", with("title", mrkdwn("x")), "/view/title/type"},
		{"no title", with("title", nil), "/view"},
		{"a submit label of 25", with("submit", plain(x(25))), "/view/submit/text"},
		{"inputs without submit", with("submit", nil), "/view"},
		{"private_metadata of 3001", with("private_metadata", x(3001)), "/view/private_metadata"},
		{"a callback_id of 256", with("callback_id", x(256)), "/view/callback_id"},
		{"101 blocks", with("blocks", times(101, obj{"type": "divider"})), "/view/blocks"},
		{"no blocks", with("blocks", []any{}), "/view/blocks"},
		{"a Home tab", with("type", "home"), "/view/type"},
		{"a button as input", input(button(nil)), "/view/blocks/0/element/type"},
		{"a text of 3001", input(obj{"type": "plain_text_input", "max_length": 3001}), "/view/blocks/0/element/max_length"},
		{"a placeholder of 151", input(obj{"type": "plain_text_input", "placeholder": plain(x(151))}), "/view/blocks/0/element/placeholder/text"},
		{"11 files", input(obj{"type": "file_input", "max_files": 11}), "/view/blocks/0/element/max_files"},
	} {
		got := a.callJSON("views.open", minislack.BotToken, obj{"trigger_id": "1", "view": c.view})
		require.Equal(t, "invalid_arguments", got.Refused, c.name)
		messages := got.Body["response_metadata"].(obj)["messages"].([]any)
		assert.True(t, strings.HasSuffix(messages[0].(string), "[json-pointer:"+c.where+"]"), "%s: %v", c.name, messages)
	}
	big := a.callJSON("views.open", minislack.BotToken, obj{"trigger_id": "1", "view": with("x", x(260<<10))})
	assert.Equal(t, "view_too_large", big.Refused)
}

// A form is filled by label, block_id or action_id, and arrives with every value.
func TestAFormArrivesFilled(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		opened(t, s, a, l, form())
		alice := s.As("alice")
		v, ok := alice.View()
		require.True(t, ok)
		assert.Equal(t, "Delete\nReason:\nHow: By id\nIds:\n[Preview]", v.Rendered())
		assert.Equal(t, "K7F3Q", v.Metadata)

		var missing *minislack.FormError
		require.ErrorAs(t, alice.Submit(map[string]string{"How": "By name"}), &missing)
		assert.Equal(t, map[string]string{"Reason": "Please complete this required field."}, missing.Fields)
		require.ErrorAs(t, alice.Submit(map[string]string{"Reason": x(21)}), &missing)
		assert.Equal(t, "Reason: Enter no more than 20 characters.", missing.Error())
		assert.ErrorIs(t, alice.Submit(map[string]string{"Rezon": "x"}), minislack.ErrNotThere)
		wrong := alice.Upload("ids.exe", []byte("x"))
		require.ErrorAs(t, alice.Submit(map[string]string{"Reason": "x", "Ids": wrong.ID}), &missing)
		assert.Equal(t, "This type of file is not allowed.", missing.Fields["Ids"])
		assert.Empty(t, l.frames, "the app heard nothing of all this")

		file := alice.Upload("ids.csv", []byte("id\n1\n"))
		assert.Equal(t, "file_not_found", a.call("files.info", "file", file.ID).Refused, "not handed over yet")
		done := make(chan error)
		go func() {
			done <- alice.Submit(map[string]string{"Reason": "SEC-1 <b>", "pick": "By name", "list": file.ID})
		}()
		e := l.next()
		l.ack(e.ID, nil)
		require.NoError(t, <-done)
		view := e.Payload["view"].(obj)
		values := view["state"].(obj)["values"].(obj)
		assert.Equal(t, "K7F3Q", view["private_metadata"])
		assert.Equal(t, obj{"type": "plain_text_input", "value": "SEC-1 <b>"}, values["why"].(obj)["text"])
		assert.Equal(t, "name", values["how"].(obj)["pick"].(obj)["selected_option"].(obj)["value"])
		assert.Equal(t, file.ID, values["list"].(obj)["csv"].(obj)["files"].([]any)[0].(obj)["id"])
		assert.Equal(t, "U0ALICE", e.Payload["user"].(obj)["id"])
		assert.Empty(t, a.call("files.info", "file", file.ID).Refused)
		_, ok = alice.View()
		assert.False(t, ok, "the form closed")
	})
}

// The app answers a form with errors, another view, or nothing at all.
func TestTheAppAnswersAForm(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		opened(t, s, a, l, form())
		alice := s.As("alice")
		var next any
		l.answer(func(envelope) any { return next })
		submit := func(answer any) error {
			next = answer
			return alice.Submit(map[string]string{"Reason": "x"})
		}
		title := func() string { v, _ := alice.View(); return v.Title }

		var refused *minislack.FormError
		require.ErrorAs(t, submit(obj{"response_action": "errors", "errors": obj{"why": "Say more."}}), &refused)
		assert.Equal(t, map[string]string{"Reason": "Say more."}, refused.Fields)
		assert.ErrorIs(t, submit(obj{"response_action": "errors", "errors": obj{"nowhere": "x"}}), minislack.ErrTrouble)
		assert.ErrorIs(t, submit(obj{"response_action": "jump"}), minislack.ErrTrouble)
		assert.ErrorIs(t, submit(obj{"response_action": "update", "view": obj{"type": "modal"}}), minislack.ErrTrouble)
		assert.Equal(t, "Delete", title(), "it stayed open")

		second, third := form(), form()
		second["title"], third["title"] = plain("Second"), plain("Third")
		require.NoError(t, submit(obj{"response_action": "update", "view": second}))
		assert.Equal(t, "Second", title())
		require.NoError(t, submit(obj{"response_action": "push", "view": third}))
		assert.Equal(t, "Third", title())
		require.NoError(t, submit(nil))
		assert.Equal(t, "Second", title(), "the pushed one closed")
		require.NoError(t, submit(obj{"response_action": "push", "view": third}))
		require.NoError(t, submit(obj{"response_action": "clear"}))
		_, ok := alice.View()
		assert.False(t, ok)
	})
}

// A form that nobody acknowledges stays open.
func TestAnUnansweredFormStaysOpen(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		opened(t, s, a, l, form())
		alice := s.As("alice")
		assert.ErrorIs(t, alice.Submit(map[string]string{"Reason": "x"}), minislack.ErrTrouble)
		_, ok := alice.View()
		assert.True(t, ok)
		s.DropSockets()
		synctest.Wait()
		assert.ErrorIs(t, alice.Submit(map[string]string{"Reason": "x"}), minislack.ErrTrouble)
	})
}

// Views are updated by id under their hash, and pushed three deep from inside.
func TestViewsAreUpdatedAndPushed(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		view := form()
		view["external_id"], view["notify_on_close"] = "only one", true
		opened(t, s, a, l, view)
		alice := s.As("alice")
		press := func() envelope {
			done := make(chan error)
			go func() { _, err := alice.Press("Preview"); done <- err }()
			e := l.next()
			l.ack(e.ID, nil)
			require.NoError(t, <-done)
			return e
		}
		e := press()
		assert.Equal(t, "view", e.Payload["container"].(obj)["type"])
		id := e.Payload["view"].(obj)["id"]
		call := func(method string, body obj) string { return a.callJSON(method, minislack.BotToken, body).Refused }
		assert.Equal(t, "duplicate_external_id", call("views.push", obj{"trigger_id": e.Payload["trigger_id"], "view": view}))
		assert.Equal(t, "hash_conflict", call("views.update", obj{"view_id": id, "hash": "old", "view": view}))
		assert.Equal(t, "not_found", call("views.update", obj{"view_id": "V0", "view": view}))
		assert.Empty(t, call("views.update", obj{"view_id": id, "hash": e.Payload["view"].(obj)["hash"], "view": view}))
		assert.Empty(t, call("views.push", obj{"trigger_id": e.Payload["trigger_id"], "view": form()}))
		assert.Empty(t, call("views.push", obj{"trigger_id": press().Payload["trigger_id"], "view": form()}))
		assert.Equal(t, "push_limit_reached", call("views.push", obj{"trigger_id": press().Payload["trigger_id"], "view": form()}))

		require.NoError(t, alice.CloseView())
		require.NoError(t, alice.CloseView())
		done := make(chan error)
		go func() { done <- alice.CloseView() }()
		closed := l.next()
		assert.Equal(t, "view_closed", closed.Payload["type"], "this one asked to be told")
		l.ack(closed.ID, nil)
		require.NoError(t, <-done)
		assert.ErrorIs(t, alice.CloseView(), minislack.ErrNotThere)
	})
}

// Every kind of field arrives under the key Slack uses for it.
func TestEveryKindOfFieldHasItsKey(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		when := time.Now().Add(time.Hour).Unix()
		stamp := raw(t, when)
		kinds := []struct {
			element    obj
			given, key string
			want       any
		}{
			{obj{"type": "users_select"}, "bob", "selected_user", "U0BOB"},
			{obj{"type": "multi_users_select"}, "U0BOB\nU0CAROL", "selected_users", []any{"U0BOB", "U0CAROL"}},
			{obj{"type": "conversations_select"}, "#qualys-admin", "selected_conversation", channel},
			{obj{"type": "channels_select"}, "#qualys-admin", "selected_channel", channel},
			{obj{"type": "datepicker"}, "2026-11-21", "selected_date", "2026-11-21"},
			{obj{"type": "timepicker"}, "18:00", "selected_time", "18:00"},
			{obj{"type": "datetimepicker"}, stamp, "selected_date_time", float64(when)},
			{obj{"type": "number_input"}, "12", "value", "12"},
			{obj{"type": "radio_buttons", "options": []any{option("A", "a")}}, "A", "selected_option", nil},
			{obj{"type": "checkboxes", "options": []any{option("A", "a"), option("B", "b")}}, "A\nB", "selected_options", nil},
		}
		var blocks []any
		values := map[string]string{}
		for i, k := range kinds {
			id := k.element["type"].(string)
			k.element["action_id"] = "v"
			blocks = append(blocks, obj{"type": "input", "block_id": id, "label": plain(id), "element": kinds[i].element})
			values[id] = k.given
		}
		opened(t, s, a, l, obj{"type": "modal", "title": plain("All"), "submit": plain("Go"), "blocks": blocks})
		done := make(chan error)
		go func() { done <- s.As("alice").Submit(values) }()
		e := l.next()
		l.ack(e.ID, nil)
		require.NoError(t, <-done)
		state := e.Payload["view"].(obj)["state"].(obj)["values"].(obj)
		for _, k := range kinds {
			got := state[k.element["type"].(string)].(obj)["v"].(obj)
			if k.want == nil {
				assert.NotEmpty(t, got[k.key], k.element["type"])
			} else {
				assert.Equal(t, k.want, got[k.key], k.element["type"])
			}
		}
	})
}
