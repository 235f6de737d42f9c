package trail

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"countersign/audit"
)

// What an export may be at most. A day of a busy workspace has a few MiB.
const (
	biggestFile = 32 << 20
	mostFiles   = 200_000
)

// Export reads a trail from a file or folder: JSON lines as audit.WriteJSONL writes
// them, a Slack export as a zip, the folder that was unpacked from one, or the
// folder of one of its channels. What stands there may be anything.
func Export(name string) iter.Seq2[audit.Line, error] {
	return func(yield func(audit.Line, error) bool) {
		if err := open(name, yield); err != nil {
			yield(audit.Line{}, err)
		}
	}
}

// open finds out what a path is, and reads it. It stops when yield has enough.
func open(name string, yield func(audit.Line, error) bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name) // no link leads out of it
		if err != nil {
			return err
		}
		defer func() { _ = root.Close() }() // it was only read
		return read(root.FS(), filepath.Base(name), yield)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	begin := make([]byte, 4)
	n, err := io.ReadFull(f, begin)
	if err == nil && string(begin[:2]) == "PK" {
		z, err := zip.NewReader(f, info.Size())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, f := range z.File {
			if !filepath.IsLocal(f.Name) {
				return fmt.Errorf("%s: %q in it leads out of it; Slack packs nothing like that", name, f.Name)
			}
		}
		return read(z, filepath.Base(name), yield)
	}
	for line, err := range audit.ReadJSONL(io.MultiReader(bytes.NewReader(begin[:n]), f)) { // a pipe goes forward only
		if !yield(line, err) {
			return nil
		}
	}
	return nil
}

// errNoExport means that nothing there looks like a Slack export.
var errNoExport = errors.New("there is no Slack export: a folder for each channel, in it a JSON file for each day")

// day is the name of a file of messages.
var day = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}\.json$`)

// read reads the export in a folder, or in the only folder in it.
func read(all fs.FS, name string, yield func(audit.Line, error) bool) error {
	entries, err := fs.ReadDir(all, ".")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	days, folders := sorted(entries)
	ids, err := channelIDs(all)
	if err != nil {
		return err
	}
	if len(days)+len(ids) == 0 && len(folders) == 1 {
		name = folders[0]
		if all, err = fs.Sub(all, name); err == nil {
			entries, err = fs.ReadDir(all, ".")
		}
		if err == nil {
			days, folders = sorted(entries)
			ids, err = channelIDs(all)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r := &exported{files: all, yield: yield}
	more, err := r.days(name, days)
	for _, folder := range folders {
		if !more || err != nil {
			return err
		}
		more, err = r.folder(folder, ids)
	}
	if err == nil && r.read == 0 {
		err = fmt.Errorf("%s: %w", name, errNoExport)
	}
	return err
}

// sorted are the files of messages and the folders, by name.
func sorted(entries []fs.DirEntry) (days, folders []string) {
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX": // of whoever packed it
		case e.Type()&(fs.ModeNamedPipe|fs.ModeDevice|fs.ModeSocket) != 0: // nothing that Slack packs, and who opens it waits
		case e.IsDir():
			folders = append(folders, e.Name())
		case day.MatchString(e.Name()):
			days = append(days, e.Name())
		}
	}
	slices.Sort(days)
	slices.Sort(folders)
	return days, folders
}

// channelIDs are the ids of the channels, by the names of their folders.
func channelIDs(all fs.FS) (map[string]string, error) {
	ids := map[string]string{}
	for _, list := range []string{"channels.json", "groups.json"} {
		raw, err := content(all, list)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var channels []struct{ ID, Name string }
		if err := json.Unmarshal(raw, &channels); err != nil {
			return nil, fmt.Errorf("%s: %w", list, err)
		}
		for _, c := range channels {
			ids[c.Name] = c.ID
		}
	}
	return ids, nil
}

// content is what a file holds, if that is not too much. What an archive says of a
// size may be wrong.
func content(all fs.FS, name string) ([]byte, error) {
	f, err := all.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, biggestFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(raw) > biggestFile:
		return nil, fmt.Errorf("%s is larger than %d MiB", name, biggestFile>>20)
	}
	return raw, nil
}

// An exported is an export that is being read.
type exported struct {
	files fs.FS
	yield func(audit.Line, error) bool
	read  int // files
}

// folder reads the messages of a channel, and reports whether more is wanted.
func (r *exported) folder(name string, ids map[string]string) (more bool, err error) {
	entries, err := fs.ReadDir(r.files, name)
	if err != nil {
		return false, err
	}
	days, _ := sorted(entries)
	for i := range days {
		days[i] = path.Join(name, days[i])
	}
	return r.days(cmp.Or(ids[name], name), days)
}

func (r *exported) days(channel string, names []string) (more bool, err error) {
	for _, name := range names {
		if r.read++; r.read > mostFiles {
			return false, fmt.Errorf("more than %d files", mostFiles)
		}
		raw, err := content(r.files, name)
		if err != nil {
			return false, err
		}
		if more, err := r.messages(channel, raw); !more || err != nil {
			return more, r.at(name, err)
		}
	}
	return true, nil
}

func (r *exported) at(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// messages reads the messages of a day.
func (r *exported) messages(channel string, raw []byte) (more bool, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return false, cmp.Or(err, errors.New("it is no list of messages"))
	}
	for d.More() {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return false, err
		}
		if !telling(one) {
			continue
		}
		m, err := parse(one)
		if err != nil {
			return false, err
		}
		l, ok, bad := line(channel, m)
		switch {
		case bad != nil:
			more = r.yield(audit.Line{}, bad)
		case ok:
			more = r.yield(l, nil)
		default:
			continue
		}
		if !more {
			return false, nil
		}
	}
	_, err = d.Token()
	return true, err
}

// telling reports whether a message may be an entry at all, at a glance.
func telling(raw []byte) bool {
	for _, sign := range []string{audit.EventType, "←", `\u2190`} {
		if bytes.Contains(raw, []byte(sign)) {
			return true
		}
	}
	return false
}
