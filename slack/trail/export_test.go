package trail

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/audit"
)

// obj is a piece of JSON as Slack writes it.
type obj map[string]any

// An export in the making: files by name.
type archive map[string]string

// entry is a message of an export that carries an entry, written as Slack does.
func entry(t testing.TB, seq int64, prev string, more ...func(obj)) (raw obj, hash string) {
	t.Helper()
	e := approvals.Event{Seq: seq, At: time.Unix(1_795_269_785+seq, 0), Kind: approvals.Frozen, By: alice, Facts: approvals.Facts{Reason: "a <b> & c"}}
	sealed, err := audit.NewTrail("test", signer).Seal(e, prev)
	require.NoError(t, err)
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(sealed.Text)
	m := obj{
		"type": "message", "user": "UBOT", "bot_id": "BBOT", "ts": fmt.Sprintf("%d.000100", 1_795_269_785+seq), "text": escaped,
		"metadata": obj{"event_type": audit.EventType, "event_payload": sealed.Entry.Payload()},
		"blocks": []any{
			obj{"type": "section", "block_id": "x", "text": obj{"type": "plain_text", "text": escaped, "emoji": false}},
			obj{"type": "context", "block_id": "y", "elements": []any{obj{"type": "plain_text", "text": sealed.Entry.Line(), "emoji": false}}},
		},
	}
	for _, change := range more {
		change(m)
	}
	return m, sealed.Entry.Hash
}

// packed is an export with n entries in one channel, two a day.
func packed(t testing.TB, n int, change func(seq int64, m obj)) archive {
	t.Helper()
	days := map[string][]any{}
	prev := ""
	for seq := range int64(n) {
		m, hash := entry(t, seq+1, prev, func(m obj) {
			if change != nil {
				change(seq+1, m)
			}
		})
		prev = hash
		day := fmt.Sprintf("audit/2026-11-%02d.json", 1+seq/2)
		if len(m) > 0 {
			days[day] = append(days[day], obj{"type": "message", "user": "UBOB", "ts": "1.1", "text": "← a word"}, m)
		}
	}
	files := archive{
		"groups.json": `[{"id":"C0AUDIT","name":"audit"}]`, "channels.json": `[{"id":"C0RANDOM","name":"random"}]`,
		"users.json": `[]`, "random/2026-11-01.json": `[{"type":"message","user":"UBOB","text":"hello","ts":"1.2"}]`,
		"random/canvas_in_the_conversation.json": `{}`,
	}
	for name, messages := range days {
		raw, err := json.Marshal(messages)
		require.NoError(t, err)
		files[name] = string(raw)
	}
	return files
}

func (a archive) folder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "export")
	for name, text := range a {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func (a archive) zipped(t testing.TB, prefix string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range a {
		f, err := z.Create(prefix + name)
		require.NoError(t, err)
		_, err = f.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func saved(t testing.TB, name string, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	return path
}

// A Slack export is checked in every form in which people have one.
func TestAnExportOfSlacksIsChecked(t *testing.T) {
	files := packed(t, 5, nil)
	for name, path := range map[string]string{
		"a folder":                 files.folder(t),
		"the folder of a channel":  filepath.Join(files.folder(t), "audit"),
		"a zip":                    saved(t, "export.zip", files.zipped(t, "")),
		"a zip with a folder":      saved(t, "export", files.zipped(t, "Example Slack export/")),
		"a zip of a Macintosh":     saved(t, "mac.zip", with(files, "__MACOSX/audit/2026-11-01.json", "\x00", ".DS_Store", "\x00").zipped(t, "")),
		"a folder with a stranger": with(files, "audit/notes.txt", "x").folder(t),
	} {
		t.Run(name, func(t *testing.T) {
			report, err := audit.Verify(public, Export(path))
			require.NoError(t, err)
			assert.Equal(t, audit.CodeSound, report.Code(), texts(report.Problems))
			assert.Equal(t, 5, report.Entries)
		})
	}
}

func with(files archive, more ...string) archive {
	all := archive{}
	for name, text := range files {
		all[name] = text
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// Without metadata there are the numbers and the visible heads, and a report
// that says so.
func TestAnExportWithoutMetadata(t *testing.T) {
	bare := func(seq int64, m obj) { delete(m, "metadata") }
	for _, tt := range []struct {
		name   string
		change func(seq int64, m obj)
		code   int
		want   []string
	}{
		{"all of it", bare, audit.CodePartial, nil},
		{"only the types of it", func(_ int64, m obj) { delete(m["metadata"].(obj), "event_payload") }, audit.CodePartial, nil},
		{"some of it", func(seq int64, m obj) {
			if seq == 3 {
				delete(m, "metadata")
			}
		}, audit.CodePartial, nil},
		{"one is missing", func(seq int64, m obj) {
			bare(seq, m)
			if seq == 3 {
				clear(m)
			}
		}, audit.CodeBroken, []string{"#3: 1 entry is missing between #2 and #4"}},
		{"a head was changed", func(seq int64, m obj) {
			bare(seq, m)
			if seq == 3 {
				m["blocks"].([]any)[1] = obj{"type": "context", "elements": []any{obj{"type": "plain_text", "text": "#3 000000 ← 000000"}}}
			}
		}, audit.CodeBroken, []string{"#3: does not follow #2", "#4: does not follow #3"}},
		{"one was edited", func(seq int64, m obj) {
			bare(seq, m)
			if seq == 3 {
				m["edited"] = obj{"user": "UADMIN", "ts": "1.1"}
			}
		}, audit.CodeBroken, []string{"#3: Slack marks the message as edited by UADMIN"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report, err := audit.Verify(public, Export(packed(t, 5, tt.change).folder(t)))
			require.NoError(t, err)
			begin(t, tt.want, report.Problems)
			assert.Equal(t, tt.code, report.Code())
			assert.Contains(t, report.Partial(), "without metadata: only the numbers and the visible heads of these were checked.")
		})
	}
}

// Somebody else's messages in the channel are named, in other channels left out,
// and neither makes the bot's own foreign, however many they are.
func TestOthersInAnExport(t *testing.T) {
	files := packed(t, 5, nil)
	var forged []any
	for range 30 {
		m, _ := entry(t, 2, strings.Repeat("1", 64), func(m obj) { m["user"] = "UMALLORY" })
		m["metadata"].(obj)["event_payload"].(map[string]any)["sig"] = strings.Repeat("A", 86) + "=="
		forged = append(forged, m)
	}
	raw, err := json.Marshal(forged)
	require.NoError(t, err)
	report, err := audit.Verify(public, Export(with(files, "random/2026-11-02.json", string(raw)).folder(t)))
	require.NoError(t, err)
	assert.Equal(t, audit.CodeSound, report.Code(), texts(report.Problems))
	assert.Equal(t, []string{"left out: 30 entries of others, in other channels"}, texts(report.Notes))

	report, err = audit.Verify(public, Export(with(files, "audit/2026-12-02.json", string(raw)).folder(t)))
	require.NoError(t, err)
	assert.Equal(t, audit.CodeBroken, report.Code())
	assert.Len(t, report.Problems, 30)
	assert.Contains(t, report.Problems[0].Text, "UMALLORY posted it, and not Countersign (UBOT)")
	assert.Equal(t, 5, report.Entries)
}

// What is no export, or one that cannot be read to its end, is no verdict.
func TestWhatIsNoExport(t *testing.T) {
	files := packed(t, 3, nil)
	outside := saved(t, "secret.json", []byte(`[]`))
	linked := files.folder(t)
	require.NoError(t, os.Symlink(outside, filepath.Join(linked, "audit", "2026-12-01.json")))
	huge := strings.Repeat(" ", biggestFile+1)
	for _, tt := range []struct{ name, path, want string }{
		{"an empty folder", t.TempDir(), "there is no Slack export"},
		{"a folder of something else", archive{"a/b.txt": "x", "c/d.txt": "x"}.folder(t), "there is no Slack export"},
		{"a zip of something else", saved(t, "a.zip", archive{"a.txt": "x"}.zipped(t, "")), "there is no Slack export"},
		{"half a zip", saved(t, "a.zip", files.zipped(t, "")[:300]), "zip: not a valid zip file"},
		{"a day that is no JSON", with(files, "audit/2026-12-01.json", "x").folder(t), "audit/2026-12-01.json: invalid character"},
		{"a day that is no list", with(files, "audit/2026-12-01.json", "{}").folder(t), "audit/2026-12-01.json: it is no list of messages"},
		{"a day without an end", with(files, "audit/2026-12-01.json", `[{"ts":"1"}`).folder(t), "audit/2026-12-01.json: "},
		{"a list of channels that is none", with(files, "groups.json", "x").folder(t), "groups.json: invalid character"},
		{"a day that is too large", saved(t, "a.zip", with(files, "audit/2026-12-01.json", huge).zipped(t, "")), "audit/2026-12-01.json is larger than 32 MiB"},
		{"a link that leads out", linked, "2026-12-01.json"},
		{"nothing there", filepath.Join(t.TempDir(), "absent"), "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report, err := audit.Verify(public, Export(tt.path))
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, audit.CodePartial, report.Code(), texts(report.Problems))
		})
	}
}

// An archive with names that lead out of it is not read.
func TestAHostileArchiveLeadsNowhere(t *testing.T) {
	for _, name := range []string{"../2026-11-01.json", "/etc/2026-11-01.json", "audit/../../2026-11-03.json"} {
		report, err := audit.Verify(public, Export(saved(t, "a.zip", with(packed(t, 3, nil), name, "[]").zipped(t, ""))))
		require.ErrorContains(t, err, "leads out of it", name)
		assert.Equal(t, audit.CodePartial, report.Code())
	}
}

// JSON lines come by the same way.
func TestLinesAreReadAsLines(t *testing.T) {
	var lines bytes.Buffer
	require.NoError(t, audit.WriteJSONL(&lines, Export(packed(t, 3, nil).folder(t))))
	report, err := audit.Verify(public, Export(saved(t, "trail.jsonl", lines.Bytes())))
	require.NoError(t, err)
	assert.Equal(t, audit.CodeSound, report.Code(), texts(report.Problems))
	assert.Equal(t, 3, report.Entries)
}

// Any bytes for a day are an error or lines, and no change of a message that
// carries an entry is taken for sound.
func FuzzADayOfAnExport(f *testing.F) {
	m, _ := entry(f, 1, "")
	raw, err := json.Marshal([]any{m})
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`[{"metadata":{"event_type":"countersign_entry","event_payload":{"seq":1e99}}}]`))
	f.Add([]byte(`[{"blocks":[{"type":"context","elements":[{"type":"plain_text","text":"#1 9f3ac1 ← 77b0de"}]}]}]`))
	want := ""
	for l, err := range lines(raw) {
		require.NoError(f, err)
		want = l.Text
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		report, err := audit.Verify(public, lines(raw))
		if err != nil || report.Code() != audit.CodeSound {
			return
		}
		for l, err := range lines(raw) {
			require.NoError(t, err)
			assert.Equal(t, want, l.Text)
		}
	})
}

// lines reads one day.
func lines(raw []byte) func(func(audit.Line, error) bool) {
	return func(yield func(audit.Line, error) bool) {
		if err := read(fstest.MapFS{"2026-11-22.json": {Data: raw}}, "audit", yield); err != nil {
			yield(audit.Line{}, err)
		}
	}
}

// Any bytes for an archive are an error or an export.
func FuzzAnArchive(f *testing.F) {
	f.Add(packed(f, 2, nil).zipped(f, ""))
	f.Add(archive{"a/b/2026-11-22.json": "[]"}.zipped(f, "x/"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		n := 0
		_ = read(z, "export.zip", func(audit.Line, error) bool { n++; return n < 1000 })
	})
}
