package commands_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestADownloadIsAFileWithCounts(t *testing.T) {
	w := newTown(t)
	r := w.in(rita, "download role=READER sort=username:desc limit=3")
	assert.Equal(t, "3 platform users are in the channel as `users-platform-3-2026-11-21.csv`.", r.Text)
	require.NotNil(t, r.File)
	assert.Equal(t, "users-platform-3-2026-11-21.csv", r.File.Name)
	golden(t, "download.txt", r.File.Comment+"\n")
	assert.Equal(t, qualys.DownloadQuery{Roles: []string{"READER"}, Descending: true, Timezone: "UTC", Limit: 3}, w.qualys.query)

	e := w.last()
	assert.Equal(t, approvals.Downloaded, e.Kind)
	assert.Equal(t, rita, e.By)
	assert.Equal(t, "total=3 users=3", e.Counts.String())
	assert.Equal(t, "URITA downloaded 3 platform users (role=READER sort=username:desc limit=3).", audit.Sentence(e))
	assert.Equal(t, sum(t, r.File), e.FileSHA)
	assert.Equal(t, [][]string{{"USERNAME"}, {"quays_wa93"}, {"quays_wy96"}, {"'=danger"}}, rows(t, r.File))
}

// Whoever waits for a long download hears soon what it takes.
func TestALongDownloadIsTold(t *testing.T) {
	w := newTown(t)
	api := miniqualys.RunT(t)
	api.AddPlatformUsers(5001)
	users, err := qualys.New(qualys.Config{
		APIURL: api.URL(), GatewayURL: api.URL(), Username: miniqualys.Username, Password: qualys.Secret(miniqualys.Password),
	})
	require.NoError(t, err)
	t.Cleanup(users.Close)
	w.desk.Users = users
	require.NoError(t, w.in(rita, "download limit=5").File.Close(), "nobody listens, and nothing needs telling")

	var told []string
	w.desk.Tell = func(_ context.Context, channel string, who rules.Person, text string) {
		assert.Equal(t, "CSEC", channel)
		assert.Equal(t, rita, who)
		told = append(told, text)
	}
	require.NoError(t, w.in(rita, "download limit=5000").File.Close())
	assert.Empty(t, told, "5 calls are few")
	require.NoError(t, w.in(rita, "download").File.Close())
	require.Len(t, told, 1)
	assert.Regexp(t, `^Qualys has 5,001 platform users\. Reading them takes 6 calls, about \d+ seconds? more\.$`, told[0])
}

// sum is the SHA-256 of what a file holds.
func sum(t *testing.T, f *commands.File) string {
	t.Helper()
	r, err := f.Open()
	require.NoError(t, err)
	var b strings.Builder
	h := audit.SHA(&b)
	buf := make([]byte, 1<<16)
	n, _ := r.Read(buf)
	_, err = h.Write(buf[:n])
	require.NoError(t, err)
	return h.Sum()
}

func TestAnIncompleteDownloadSaysSoWithBothNumbers(t *testing.T) {
	w := newTown(t)
	w.qualys.sum.Complete, w.qualys.sum.Total = false, 87
	r := w.in(rita, "download")
	assert.Contains(t, r.Text, "*Incomplete*: Qualys speaks of 87 and gave 3.")
	assert.Contains(t, r.File.Comment, "*Incomplete*: Qualys speaks of 87 and gave 3.")
	assert.Contains(t, audit.Sentence(w.last()), "87")
	require.NoError(t, r.File.Close())

	w.qualys.sum.Strangers = 2
	assert.Contains(t, w.in(rita, "download role=READER").File.Comment, "Qualys also sent 2 users without any of these roles; they are left out.")
	w.qualys.sum.Strangers = 0
	w.qualys.sum.Total = 0
	r = w.in(rita, "download")
	assert.Contains(t, r.Text, "*Perhaps incomplete*: Qualys gave 3 and does not say how many there are.")
	require.NoError(t, r.File.Close())
}

func TestTheTimeZoneIsThePersonsOwn(t *testing.T) {
	for _, tt := range []struct{ profile, typed, want string }{
		{"Asia/Kolkata", "download", "Asia/Kolkata"},
		{"Asia/Kolkata", "download timezone=Europe/Berlin", "Europe/Berlin"},
		{"", "download", "UTC"},
		{"Mars/Olympus", "download", "UTC"},
		{"Local", "download", "UTC"},
	} {
		w := newTown(t)
		w.office.change(rita, func(f *rules.Profile) { f.TimeZone = tt.profile })
		require.NoError(t, w.in(rita, tt.typed).File.Close())
		assert.Equal(t, tt.want, w.qualys.query.Timezone, "profile %q, %s", tt.profile, tt.typed)
	}
}

func TestNobodyToDownload(t *testing.T) {
	w := newTown(t)
	w.qualys.platform, w.qualys.sum = nil, qualys.Download{Complete: true}
	r := w.in(rita, "download role=NOBODY")
	assert.Equal(t, "No platform user matches `role=NOBODY`.", r.Text)
	assert.Nil(t, r.File)
	assert.Equal(t, approvals.Downloaded, w.last().Kind)
	assert.Empty(t, w.last().FileSHA)
}

func TestFindIsAFileWithCountsByCompany(t *testing.T) {
	w := newTown(t)
	r := w.in(rita, "find firstName=NewVendor")
	assert.Equal(t, "49 SAQ users are in the channel as `users-saq-49-2026-11-21.csv`.", r.Text)
	golden(t, "find.txt", r.File.Comment+"\n")
	e := w.last()
	assert.Equal(t, approvals.Found, e.Kind)
	assert.Equal(t, "users=49", e.Counts.String())
	assert.Equal(t, "URITA looked up 49 SAQ users (firstName=NewVendor).", audit.Sentence(e))
	assert.Equal(t, sum(t, r.File), e.FileSHA)
	records := rows(t, r.File)
	assert.Equal(t, []string{"id", "userName", "firstName", "lastName", "emailAddress", "company", "title", "tags"}, records[0])
	assert.Len(t, records, 50)
}

func TestFindWithoutAConditionIsEverybody(t *testing.T) {
	w := newTown(t)
	r := w.in(rita, "find")
	assert.Contains(t, r.Text, "400 SAQ users are in the channel")
	assert.Contains(t, r.File.Comment, "*400 SAQ users* in all")
	assert.Contains(t, r.File.Comment, "and 33 more")
	require.NoError(t, r.File.Close())
	assert.Equal(t, "URITA looked up 400 SAQ users (everybody in scope).", audit.Sentence(w.last()))
}

func TestFindNobody(t *testing.T) {
	w := newTown(t)
	r := w.in(rita, "find company=Nobody")
	assert.Equal(t, "No SAQ user matches `company=Nobody`.", r.Text)
	assert.Nil(t, r.File)
	assert.Equal(t, approvals.Found, w.last().Kind)
}

func TestOneIsOne(t *testing.T) {
	w := newTown(t)
	r := w.in(rita, "find id=1000")
	assert.Equal(t, "1 SAQ user is in the channel as `users-saq-1-2026-11-21.csv`.", r.Text)
	require.NoError(t, r.File.Close())
	assert.Equal(t, "*1 SAQ user* for `id=1000`.", w.in(rita, "count id=1000").Text)
}

func TestCountIsNotedLikeARead(t *testing.T) {
	w := newTown(t)
	assert.Equal(t, "*49 SAQ users* for `firstName=NewVendor`.", w.in(rita, "count firstName=NewVendor").Text)
	assert.Equal(t, "URITA counted 49 SAQ users (firstName=NewVendor).", audit.Sentence(w.last()))
	assert.Equal(t, "*0 SAQ users* for `company=Nobody`.", w.in(rita, "count company=Nobody").Text)
	assert.Equal(t, "*400 SAQ users* in all.", w.in(rita, "count").Text)
}

// A read that comes again is noted once.
func TestAReadIsNotedOnce(t *testing.T) {
	w := newTown(t)
	s := commands.Slash{Text: "count", By: rita, Channel: "CSEC", Op: "trigger"}
	w.after(w.desk.Slash(t.Context(), s))
	w.after(w.desk.Slash(t.Context(), s))
	assert.Len(t, w.events(), 1)
}

// A file that waits has no name on the disk, and nothing stays behind.
func TestFilesWaitWithoutAName(t *testing.T) {
	dir := t.TempDir()
	w := newTown(t)
	desk, err := commands.New(commands.Config{
		Book: w.book, Users: w.qualys, Policy: must(rules.Parse([]byte(policy))), Directory: w.office, Tenant: "test", SpoolDir: dir,
		Private: func(context.Context, string) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	r := w.after(desk.Slash(t.Context(), commands.Slash{Text: "find company~Acme", By: rita, Channel: "CSEC", Op: "x"}))
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, names)
	assert.NotEmpty(t, rows(t, r.File))
	_, err = desk.Users.Count(t.Context(), nil)
	require.NoError(t, err)
}

func TestAFullDiskIsSaid(t *testing.T) {
	w := newTown(t)
	desk, err := commands.New(commands.Config{
		Book: w.book, Users: w.qualys, Policy: must(rules.Parse([]byte(policy))), Directory: w.office, Tenant: "test", SpoolDir: "/nowhere/at/all",
		Private: func(context.Context, string) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	for _, text := range []string{"find", "download"} {
		r := w.after(desk.Slash(t.Context(), commands.Slash{Text: text, By: rita, Channel: "CSEC", Op: text}))
		assert.Contains(t, r.Text, "Something went wrong on my side")
	}
	assert.Empty(t, w.events())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
