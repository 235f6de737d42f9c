package trail

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
)

const (
	planCSV   = "delete-saq-3-users-3fa9c1d2ab07.csv"
	resultCSV = "result-delete-saq-3-users-3fa9c1d2ab07.csv"
)

// filed is a trail of four entries with a CSV each.
func filed(t *testing.T, w *town) []minislack.File {
	t.Helper()
	var all []minislack.File
	card := ""
	for _, f := range []struct {
		kind       approvals.Kind
		name, text string
		print      string
	}{
		{approvals.Requested, planCSV, "id\n1\n", print3},
		{approvals.Finished, resultCSV, "id,outcome\n1,done\n", print3},
		{approvals.Found, "users-saq-1-2026-11-22.csv", "id\n2\n", ""},
		{approvals.Downloaded, "users-platform-1-2026-11-22.csv", "login\na\n", ""},
	} {
		all = append(all, w.csv(f.name, f.text, card))
		if card == "" {
			card = w.card("K7F3Q")
		}
		e := approvals.Event{Kind: f.kind, By: alice, Fingerprint: f.print, FileSHA: sha(f.text)}
		w.post(w.seal(e), card)
	}
	return all
}

// sharing is the message that shows a file.
func (w *town) sharing(f minislack.File) minislack.Ref {
	for _, m := range w.slack.Messages(channel) {
		if len(m.Files) > 0 && m.Files[0].ID == f.ID {
			return m.Ref()
		}
	}
	w.t.Fatalf("nothing shows %s", f.Name)
	return minislack.Ref{}
}

func TestCSVsAreComparedWithTheirEntries(t *testing.T) {
	for _, tt := range []struct {
		name        string
		do          func(t *testing.T, w *town, files []minislack.File)
		wrong, note []string
	}{
		{"untouched", nil, nil, nil},
		{"another content", func(_ *testing.T, w *town, files []minislack.File) {
			w.slack.SetFileContent(files[1].ID, []byte("id\n"))
		},
			[]string{"#2: its CSV, " + resultCSV + ", is not the one that was sealed: file_sha is a43f85, the hash there is 984a64"}, nil},
		{"another content of a download", func(_ *testing.T, w *town, files []minislack.File) {
			w.slack.SetFileContent(files[3].ID, []byte("id\n"))
		},
			[]string{"#4: its CSV, users-platform-1-2026-11-22.csv, is not the one that was sealed"}, nil},
		{"a file is gone", func(_ *testing.T, w *town, files []minislack.File) { w.slack.DeleteMessage(w.sharing(files[0])) },
			nil, []string{"#1: its CSV was not checked: it is in none of the channels any more"}},
		{"a download is gone, and another is there", func(t *testing.T, w *town, files []minislack.File) {
			w.slack.DeleteMessage(w.sharing(files[2]))
			time.Sleep(2 * time.Hour)
			w.csv("users-saq-7-2026-11-22.csv", "id\n7\n", "")
		}, nil, []string{"#3: its CSV was not checked: it is in none of the channels any more"}},
		{"a file cannot be fetched", func(_ *testing.T, w *town, _ []minislack.File) { w.slack.HTTPFail("download", 404, 1) },
			nil, []string{"#1: its CSV was not checked: " + planCSV + ": download: "}},
		{"a limit", func(_ *testing.T, w *town, _ []minislack.File) { w.slack.RateLimit("download", time.Minute, 1) }, nil, nil},
		{"somebody else's file", func(t *testing.T, w *town, _ []minislack.File) {
			w.slack.As("mallory").Upload(planCSV, []byte("id\n666\n"))
		}, nil, nil},
		{"the same plan was asked for twice, and one of the results is gone", func(_ *testing.T, w *town, files []minislack.File) {
			w.csv(resultCSV, "id,outcome\n1,failed\n", "")
			w.post(w.seal(approvals.Event{Kind: approvals.Finished, Fingerprint: print3, FileSHA: sha("id,outcome\n1,failed\n")}), "")
			w.slack.DeleteMessage(w.sharing(files[1]))
		}, nil, []string{"#2: its CSV was not checked: it is in none of the channels any more"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				files := filed(t, w)
				if tt.do != nil {
					tt.do(t, w, files)
				}
				l := w.live()
				l.Files = []string{channel}
				report := w.verify(l)
				begin(t, tt.wrong, report.Problems)
				begin(t, tt.note, report.Notes)
				assert.Equal(t, tt.wrong == nil, report.Code() == audit.CodeSound)
			})
		})
	}
}

// begin checks that the findings begin with these words.
func begin(t *testing.T, want []string, found []audit.Finding) {
	t.Helper()
	got := texts(found)
	if assert.Len(t, got, len(want), "%q", got) {
		for i := range want {
			assert.Contains(t, got[i], want[i])
		}
	}
}

// CSVs stand where people asked, the trail where it belongs.
func TestCSVsAreLookedForWhereTheyWerePosted(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		paper := w.slack.AddChannel(minislack.Channel{Name: "paper", Private: true, Members: []string{"bot"}})
		e := approvals.Event{Kind: approvals.Found, By: alice, FileSHA: sha("id\n2\n")}
		w.post(w.seal(e), "")
		w.csv("users-saq-1-2026-11-22.csv", "id\n2\n", "")
		m := w.message(w.post(w.seal(e), ""))
		m.Channel = paper.ID
		w.slack.Forge("bot", m) // entries elsewhere are none
		w.slack.DeleteMessage(w.sharing(w.slack.Files(channel)[0]))
		l := w.live()
		l.Files = []string{channel, paper.ID}
		begin(t, nil, w.verify(l).Problems)
		begin(t, []string{"#1: its CSV was not checked", "#2: its CSV was not checked"}, w.verify(l).Notes)
		w.slack.Leave("paper", "bot")
		begin(t, []string{"#1: its CSV was not checked: read " + paper.ID + ": conversations.history: channel_not_found", "#2: "}, w.verify(l).Notes)
	})
}
