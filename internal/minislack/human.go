package minislack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// What a person meets when something does not work. Slash wraps the first two in
// the sentence that Slack shows.
var (
	ErrDispatchFailed   = errors.New("dispatch_failed")   // the app has no socket
	ErrOperationTimeout = errors.New("operation_timeout") // the app did not acknowledge in time
	ErrWarned           = errors.New("a warning mark at the button: the app did not answer")
	ErrTrouble          = errors.New("the form could not be sent: we had some trouble connecting, try again")
	ErrNotThere         = errors.New("not there")
)

// human is what is on people's screens.
type human struct {
	triggers map[string]*trigger
	screens  map[string][]*view // by person, the lowest first
	handed   map[string]bool    // files given to the app in forms
}

func newHuman() human {
	return human{triggers: map[string]*trigger{}, screens: map[string][]*view{}, handed: map[string]bool{}}
}

// A Client is a person at the keyboard.
type Client struct {
	s *Server
	p *Person
}

// As sits a person down.
func (s *Server) As(who string) *Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Client{s: s, p: s.w.mustPerson(who)}
}

// Name is the person's name.
func (c *Client) Name() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.p.Name
}

// An Ack is what the acknowledgement of a command showed.
type Ack struct {
	Text      string  // as a person reads it; empty when nothing was shown
	InChannel bool    // everybody sees it
	Message   Message // what was shown
}

// in finds a channel the person can open.
func (c *Client) in(channel string) (*room, error) {
	r := c.s.w.mustRoom(channel)
	if c.p.Deleted {
		return nil, fmt.Errorf("%s is deactivated: %w", c.p.Name, ErrNotThere)
	}
	if r.Private && !r.has(c.p.ID) {
		return nil, fmt.Errorf("%s is not in %s: %w", c.p.Name, channel, ErrNotThere)
	}
	return r, nil
}

// Slash types a command and waits for its acknowledgement, three seconds at most.
// The error reads as the person reads it.
func (c *Client) Slash(channel, command, text string) (Ack, error) {
	s := c.s
	s.mu.Lock()
	r, err := c.in(channel)
	if err != nil {
		s.mu.Unlock()
		return Ack{}, err
	}
	if s.needs("commands") != nil || len(s.app.commands) > 0 && !slices.Contains(s.app.commands, command) {
		s.mu.Unlock()
		return Ack{}, fmt.Errorf("%s is not a valid command: %w", command, ErrNotThere)
	}
	s.happened(Event{Kind: Typed, Channel: r.ID, Person: c.p.Name, Text: joined(" ", command, text)})
	id, d := s.deliver("slash_commands", s.slashPayload(c.p, r, command, text), 0)
	s.mu.Unlock()
	if d == nil {
		return Ack{}, c.failed(r, command, ErrDispatchFailed)
	}
	payload, ok := s.verdict(id, d)
	if !ok {
		return Ack{}, c.failed(r, command, ErrOperationTimeout)
	}
	return c.show(r, joined(" ", command, text), payload)
}

func (s *Server) slashPayload(p *Person, r *room, command, text string) object {
	if s.app.encode {
		text = encodeLiteral(text)
	}
	return object{
		"token": "deprecated", "team_id": s.w.team.ID, "team_domain": s.w.team.Domain, "channel_id": r.ID,
		"channel_name": r.seenAs(), "user_id": p.ID, "user_name": p.Name, "command": command, "text": text,
		"api_app_id": AppID, "is_enterprise_install": "false", "response_url": s.responseURL("commands"),
		"trigger_id": s.trigger(p, r.ID, nil),
	}
}

// seenAs is the channel's name as payloads spell it.
func (r *room) seenAs() string {
	switch {
	case r.DM != "":
		return "directmessage"
	case r.Private:
		return "privategroup"
	}
	return r.Name
}

func (s *Server) responseURL(kind string) string {
	return s.base + "/" + kind + "/" + s.w.team.ID + "/" + s.made("response-")
}

// failed tells a person, and the feed, that a command failed.
func (c *Client) failed(r *room, command string, cause error) error {
	err := fmt.Errorf("%s failed with the error: %w", command, cause)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.happened(Event{Kind: Failed, Channel: r.ID, Person: c.p.Name, Text: err.Error()})
	return err
}

// show puts the message of an acknowledgement on the screen.
func (c *Client) show(r *room, typed string, payload json.RawMessage) (Ack, error) {
	var said struct {
		Type   string          `json:"response_type"`
		Text   string          `json:"text"`
		Blocks json.RawMessage `json:"blocks"`
	}
	if len(payload) > 0 {
		if err := json.Unmarshal(payload, &said); err != nil {
			return Ack{}, fmt.Errorf("the app acknowledged with something else than a message: %w", err)
		}
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	form := url.Values{"text": {said.Text}}
	if len(said.Blocks) > 0 && string(said.Blocks) != "null" {
		form.Set("blocks", string(said.Blocks))
	}
	body, err := s.content(form, parsing{links: true, emoji: true})
	if err != nil {
		s.happened(Event{Kind: Failed, Channel: r.ID, Person: c.p.Name, Text: err.Error()})
		return Ack{}, fmt.Errorf("the app acknowledged with a bad message: %w", err)
	}
	public := said.Type == "in_channel"
	if public {
		s.post(r, &message{from: c.p.ID, text: encodeLiteral(typed)})
	}
	if body.text == "" && len(body.blocks) == 0 {
		return Ack{InChannel: public}, nil
	}
	m := &message{from: BotUser, text: body.text, blocks: body.blocks}
	if !public {
		m.only = c.p.ID
	}
	s.post(r, m)
	s.notePings(m)
	seen := s.snapshot(m, c.p)
	return Ack{Text: seen.Rendered(), InChannel: public, Message: seen}, nil
}

// Read lists what the person finds in a channel: messages, the replies in
// threads, and what they alone see, in order of time.
func (c *Client) Read(channel string) []Message {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r, err := c.in(channel)
	if err != nil {
		return nil
	}
	return c.read(r, func(*message) bool { return true })
}

// Thread lists a message and its replies.
func (c *Client) Thread(ref Ref) []Message {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r, err := c.in(ref.Channel)
	if err != nil {
		return nil
	}
	return c.read(r, func(m *message) bool { return m.ts == ref.TS || m.thread == ref.TS })
}

// DM lists the person's direct conversation with the app.
func (c *Client) DM() []Message {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.read(c.s.w.dm(c.p), func(*message) bool { return true })
}

func (c *Client) read(r *room, wanted func(*message) bool) []Message {
	var seen []Message
	for _, m := range r.messages {
		if !m.gone && (m.only == "" || m.only == c.p.ID) && wanted(m) {
			seen = append(seen, c.s.snapshot(m, c.p))
		}
	}
	return seen
}

// Say posts a message as the person.
func (c *Client) Say(channel, text string) (Message, error) { return c.say(channel, "", text) }

// Reply posts a message in a thread as the person.
func (c *Client) Reply(ref Ref, text string) (Message, error) {
	return c.say(ref.Channel, ref.TS, text)
}

func (c *Client) say(channel, thread, text string) (Message, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r, err := c.in(channel)
	if err != nil {
		return Message{}, err
	}
	m := c.s.post(r, &message{from: c.p.ID, text: encodeMarkup(text, parsing{links: true}), thread: thread})
	return c.s.snapshot(m, c.p), nil
}

// Files lists the files in a channel the person can open.
func (c *Client) Files(channel string) []File {
	var all []File
	for _, m := range c.Read(channel) {
		all = append(all, m.Files...)
	}
	return all
}

// Download opens a file the person can see.
func (c *Client) Download(f File) ([]byte, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	stored := c.s.files.find(f.ID)
	if stored == nil {
		return nil, fmt.Errorf("file %s: %w", f.ID, ErrNotThere)
	}
	for _, m := range stored.shares {
		if !m.gone && m.room.has(c.p.ID) {
			return slices.Clone(stored.content), nil
		}
	}
	if stored.By == c.p.ID {
		return slices.Clone(stored.content), nil
	}
	return nil, fmt.Errorf("file %s is in no channel of %s: %w", f.ID, c.p.Name, ErrNotThere)
}
