package minislack

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// ShownMessage is a message as the page draws it, as if the app had just posted
// it, without anybody having posted it. Blocks that Slack would refuse are an error.
func (s *Server) ShownMessage(text string, blocks json.RawMessage) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	form := url.Values{"text": {text}}
	if len(blocks) > 0 {
		form.Set("blocks", string(blocks))
	}
	c, err := s.content(form, parsing{emoji: true})
	if err != nil {
		return nil, fmt.Errorf("a message that Slack would refuse: %w", err)
	}
	return json.Marshal(webMessage{From: BotUser, Text: c.text, Blocks: rawBlocks(c.blocks)})
}

// ShownView is a form as the page draws it, without its being open for anybody.
func (s *Server) ShownView(form json.RawMessage) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := s.checkedView(string(form))
	if err != nil {
		return nil, fmt.Errorf("a form that Slack would refuse: %w", err)
	}
	return json.Marshal((&view{body: body}).shown())
}
