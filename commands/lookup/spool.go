package lookup

import (
	"fmt"
	"io"
	"os"

	"countersign/audit"
)

// A Spool is a file on its way to a channel: readable by us alone, and without
// a name on the disk as soon as it is open.
type Spool struct {
	*audit.Hashed
	file  *os.File
	named bool // the system does not let go of the name of an open file
}

// NewSpool makes an empty one.
func NewSpool(dir string) (*Spool, error) {
	f, err := os.CreateTemp(dir, "countersign-*.csv") // 0600
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	named := os.Remove(f.Name()) != nil
	return &Spool{Hashed: audit.SHA(f), file: f, named: named}, nil
}

// Close lets go of the file and what is in it.
func (s *Spool) Close() error {
	err := s.file.Close()
	if s.named {
		return os.Remove(s.file.Name())
	}
	return err
}

// Open reads the finished file from its start.
func (s *Spool) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(s.file, 0, s.Size())), nil
}
