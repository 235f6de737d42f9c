package minislack

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// A File is something uploaded. Its content is in [Server.FileContent].
type File struct {
	ID    string
	Name  string
	Title string
	Size  int
	By    string // the id of who uploaded it
}

// A file is a File with its bytes and its places.
type file struct {
	File
	ticket   string // names it in the upload URL
	length   int    // as announced
	content  []byte
	uploaded bool
	done     bool // completed
	created  time.Time
	shares   []*message
}

// files is everything uploaded or about to be.
type files struct {
	all  []*file
	late time.Duration // how long a share takes to appear
}

func newFiles() files { return files{late: 300 * time.Millisecond} }

func (fs *files) find(id string) *file {
	for _, f := range fs.all {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// LateShares sets how long after its completion an upload appears in the channel. It is 300 ms at first.
func (s *Server) LateShares(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files.late = d
}

// Files lists the completed files shared in a channel, in the order of their sharing.
func (s *Server) Files(channel string) []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []File
	for _, m := range s.w.mustRoom(channel).messages {
		for _, f := range m.files {
			if !m.gone {
				all = append(all, f.File)
			}
		}
	}
	return all
}

// FileContent answers with the bytes of a file.
func (s *Server) FileContent(id string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files.find(id)
	if f == nil || !f.uploaded {
		return nil, false
	}
	return slices.Clone(f.content), true
}

func (s *Server) filesGetUploadURL(f url.Values) (object, error) {
	name := f.Get("filename")
	length, err := number(f, "length", 0, 1<<30)
	switch {
	case err != nil:
		return nil, err
	case name == "":
		return nil, refuse("invalid_arguments")
	case length == 0:
		return nil, refuse("missing_argument")
	case units(f.Get("alt_txt")) > 1000:
		return nil, refuse("alt_txt_too_long")
	}
	up := &file{
		File:   File{ID: s.made("F"), Name: name, Title: name, Size: length, By: BotUser},
		ticket: s.made("up"), length: length, created: time.Now(),
	}
	s.files.all = append(s.files.all, up)
	return object{"upload_url": s.base + "/upload/v1/" + up.ticket, "file_id": up.ID}, nil
}

// serveUpload takes the bytes of a file: raw, or the first file of a multipart form.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request, ticket string) {
	fault := s.counted("upload", url.Values{"ticket": {ticket}})
	if fault.refuses() {
		s.turnDown(w, fault)
		return
	}
	content, err := uploaded(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	err = s.storeUpload(ticket, content)
	s.afterwards(fault)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "OK - %d", len(content))
}

func (s *Server) storeUpload(ticket string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files.all {
		if f.ticket != ticket || f.done {
			continue
		}
		if len(content) != f.length {
			return fmt.Errorf("announced %d bytes and sent %d", f.length, len(content))
		}
		f.content, f.uploaded = content, true
		return nil
	}
	return fmt.Errorf("no upload is waiting for this URL")
}

func uploaded(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("upload with POST, not %s", r.Method)
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return io.ReadAll(r.Body)
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, fmt.Errorf("find the file in the form: %w", err)
		}
		if part.FileName() != "" || part.FormName() == "file" {
			content, err := io.ReadAll(part)
			if err != nil {
				return nil, err
			}
			_, err = io.Copy(io.Discard, r.Body)
			return content, err
		}
	}
}

// filesComplete shares uploads, once. The share appears later.
func (s *Server) filesComplete(f url.Values) (object, error) {
	var named []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if err := json.Unmarshal([]byte(f.Get("files")), &named); err != nil || len(named) == 0 {
		return nil, refuse("invalid_arguments")
	}
	var ups []*file
	for _, n := range named {
		up := s.files.find(n.ID)
		if up == nil || !up.uploaded || up.done || up.By != BotUser {
			return nil, refuse("file_not_found")
		}
		ups = append(ups, up)
	}
	rooms, err := s.shareRooms(f)
	if err != nil {
		return nil, err
	}
	comment := f.Get("initial_comment")
	if comment != "" {
		f.Del("blocks")
	}
	f.Set("text", comment)
	c, err := s.content(f, parsing{links: true, emoji: true})
	if err != nil {
		return nil, err
	}
	answer := []object{}
	for i, up := range ups {
		up.done = true
		if named[i].Title != "" {
			up.Title = named[i].Title
		}
		answer = append(answer, object{"id": up.ID, "title": up.Title})
	}
	for _, r := range rooms {
		s.later(s.files.late, func() { s.share(r, ups, c, f.Get("thread_ts")) })
	}
	return object{"files": answer}, nil
}

// shareRooms are the channels of a completion, all of which the bot must be in.
func (s *Server) shareRooms(f url.Values) ([]*room, error) {
	var rooms []*room
	named := f.Get("channel_id") + "," + f.Get("channels")
	for id := range strings.SplitSeq(named, ",") {
		if id == "" {
			continue
		}
		r, err := s.reachable(id)
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
	if thread := f.Get("thread_ts"); thread != "" {
		if len(rooms) != 1 {
			return nil, refuse("invalid_arguments")
		}
		if !rooms[0].isParent(thread) {
			return nil, refuse("invalid_thread_ts")
		}
	}
	return rooms, nil
}

// share makes the message of a completed upload.
func (s *Server) share(r *room, ups []*file, c content, thread string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.post(r, &message{
		from: BotUser, text: c.text, blocks: c.blocks, files: ups, tag: "file_share", thread: thread,
	})
	for _, up := range ups {
		up.shares = append(up.shares, m)
	}
	s.notePings(m)
}

func (s *Server) filesInfo(f url.Values) (object, error) {
	up := s.files.find(f.Get("file"))
	if up == nil || !up.done || !s.botSees(up) {
		return nil, refuse("file_not_found")
	}
	return object{
		"file": s.fileObject(up), "comments": []any{},
		"paging": object{"count": 100, "total": 0, "page": 1, "pages": 0},
	}, nil
}

// botSees reports whether the app may read a file: its own, one handed to it in a
// form, or one in a channel it is in.
func (s *Server) botSees(f *file) bool {
	return f.By == BotUser || s.human.handed[f.ID] ||
		slices.ContainsFunc(f.shares, func(m *message) bool { return m.room.has(BotUser) })
}

// fileObject is a file as the API shows it.
func (s *Server) fileObject(f *file) object {
	private, public, groups, channels, ims := object{}, object{}, []string{}, []string{}, []string{}
	for _, m := range f.shares {
		share := object{"ts": m.ts, "channel_name": m.room.Name, "team_id": s.w.team.ID, "share_user_id": f.By}
		if m.thread != "" {
			share["thread_ts"] = m.thread
		}
		to, list := private, &groups
		switch {
		case m.room.DM != "":
			list = &ims
		case !m.room.Private:
			to, list = public, &channels
		}
		existing, _ := to[m.room.ID].([]object)
		to[m.room.ID] = append(existing, share)
		*list = append(*list, m.room.ID)
	}
	link := s.base + "/files-pri/" + s.w.team.ID + "-" + f.ID
	return object{
		"id": f.ID, "created": f.created.Unix(), "timestamp": f.created.Unix(), "name": f.Name, "title": f.Title,
		"mimetype": mimeOf(f.Name), "filetype": strings.TrimPrefix(path.Ext(f.Name), "."), "user": f.By,
		"user_team": s.w.team.ID, "size": f.Size, "mode": "hosted", "editable": false, "is_external": false,
		"is_public": len(channels) > 0, "url_private": link + "/" + url.PathEscape(f.Name),
		"url_private_download": link + "/download/" + url.PathEscape(f.Name),
		"shares":               object{"public": public, "private": private},
		"channels":             channels, "groups": groups, "ims": ims, "file_access": "visible",
	}
}

func mimeOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv":
		return "text/csv"
	case ".txt", ".log":
		return "text/plain"
	}
	return "application/octet-stream"
}

// serveFile answers with a file's bytes to the bot token, and to anybody else with
// the sign-in page that has surprised so many apps: HTML, and HTTP 200.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, where string) {
	fault := s.counted("download", url.Values{"file": {where}})
	if fault.refuses() {
		s.turnDown(w, fault)
		return
	}
	s.afterwards(fault)
	id, _, _ := strings.Cut(strings.TrimPrefix(where, s.Team().ID+"-"), "/")
	token, _ := tokenOf(r, url.Values{})
	s.mu.Lock()
	f := s.files.find(id)
	allowed := token == BotToken && !s.app.revoked && s.needs("files:read") == nil
	visible := f != nil && f.uploaded && s.botSees(f)
	var name string
	var content []byte
	if visible {
		name, content = f.Name, f.content
	}
	s.mu.Unlock()
	switch {
	case !allowed:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>")
	case !visible:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", mimeOf(name))
		_, _ = w.Write(content)
	}
}
