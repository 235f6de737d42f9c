package minislack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Forge lets somebody post a message as another app could: with the text, blocks,
// metadata, channel and thread of m, whatever these say.
func (s *Server) Forge(who string, m Message) Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	forged := &message{from: s.w.mustPerson(who).ID, text: m.Text, thread: m.Thread}
	if len(m.Blocks) > 0 {
		d := json.NewDecoder(strings.NewReader(string(m.Blocks)))
		d.UseNumber()
		if err := d.Decode(&forged.blocks); err != nil {
			panic(fmt.Sprintf("minislack: blocks to forge: %v", err))
		}
	}
	if m.Metadata != nil {
		meta := *m.Metadata
		forged.meta = &meta
	}
	s.post(s.w.mustRoom(m.Channel), forged)
	return Ref{forged.room.ID, forged.ts}
}

// SetFileContent puts other bytes into a file behind the app's back.
func (s *Server) SetFileContent(id string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files.find(id)
	if f == nil {
		panic("minislack: there is no file " + id)
	}
	f.content, f.Size = slices.Clone(content), len(content)
}

// StripMetadata takes the metadata from a message behind the app's back, as who has
// the app's token can.
func (s *Server) StripMetadata(ref Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.w.mustRoom(ref.Channel).find(ref.TS)
	if m == nil {
		panic(fmt.Sprintf("minislack: there is no message %v to strip", ref))
	}
	m.meta = nil
}
