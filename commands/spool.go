package commands

import (
	"fmt"
	"io"
	"os"

	"countersign/audit"
)

// A spool is a file on its way to a channel: readable by us alone, and without
// a name on the disk as soon as it is open.
type spool struct {
	*audit.Hashed
	file  *os.File
	named bool // the system does not let go of the name of an open file
}

// newSpool makes an empty one.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "countersign-*.csv") // 0600
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	named := os.Remove(f.Name()) != nil
	return &spool{Hashed: audit.SHA(f), file: f, named: named}, nil
}

// Close lets go of the file and what is in it.
func (s *spool) Close() error {
	err := s.file.Close()
	if s.named {
		return os.Remove(s.file.Name())
	}
	return err
}

// as makes the finished spool a File.
func (s *spool) as(name, title, comment string) *File {
	return &File{
		Name: name, Title: title, Comment: comment, Size: s.Size(),
		Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(s.file, 0, s.Size())), nil
		},
		Close: s.Close,
	}
}
