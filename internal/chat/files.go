package chat

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed *.txt
var files embed.FS

// Files holds the conversations of the house as they are written.
func Files() fs.ReadDirFS { return files }

// All reads the conversations of the house, sorted by name.
func All() ([]*Conversation, error) {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return nil, fmt.Errorf("list the conversations: %w", err)
	}
	var all []*Conversation
	for _, name := range names {
		c, err := Named(name)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Named reads one conversation of the house, such as "own-request.txt".
func Named(name string) (*Conversation, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read a conversation: %w", err)
	}
	return Parse(name, text)
}
