package minislack

import (
	"bytes"
	"encoding/json"
	"time"
)

// A delivery is an envelope on its way to an acknowledgement.
type delivery struct {
	kind string
	sock *socket              // nil: it went to a ghost, or was lost
	ack  chan json.RawMessage // one slot
}

// deliver sends an envelope to one socket, any of them. Nobody there: nil.
// The caller holds s.mu and later calls expire.
func (s *Server) deliver(kind string, payload object, attempt int) (string, *delivery) {
	var ready []*socket
	for _, sock := range s.socks.open {
		if !sock.leaving {
			ready = append(ready, sock)
		}
	}
	all := len(ready) + s.socks.ghosts
	if all == 0 {
		return "", nil
	}
	d := &delivery{kind: kind, ack: make(chan json.RawMessage, 1)}
	id := s.made("envelope-")
	s.socks.pending[id] = d
	var sock *socket
	if at := s.rng.IntN(all); at < len(ready) {
		sock = ready[at]
	}
	if s.socks.lose > 0 {
		s.socks.lose--
		sock = nil
	}
	if sock == nil {
		return id, d
	}
	d.sock = sock
	s.dispatch(sock, envelope(id, kind, payload, attempt))
	if len(s.socks.doubles) > 0 {
		same := s.socks.doubles[0]
		s.socks.doubles = s.socks.doubles[1:]
		again := id
		if !same {
			again = s.made("envelope-")
			s.socks.pending[again] = &delivery{kind: kind, sock: sock, ack: d.ack}
			s.later(ackLife, func() { s.expire(again) })
		}
		s.dispatch(ready[s.rng.IntN(len(ready))], envelope(again, kind, payload, attempt))
	}
	return id, d
}

// dispatch queues a frame, at once or after a delay. The caller holds s.mu.
func (s *Server) dispatch(sock *socket, frame []byte) {
	if len(s.socks.delays) == 0 {
		sock.send(frame)
		return
	}
	wait := s.socks.delays[0]
	s.socks.delays = s.socks.delays[1:]
	s.later(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !sock.leaving {
			sock.send(frame)
		}
	})
}

func envelope(id, kind string, payload object, attempt int) []byte {
	o := object{
		"envelope_id": id, "type": kind, "payload": payload, "accepts_response_payload": kind != "events_api",
	}
	if kind == "events_api" {
		o["retry_attempt"], o["retry_reason"] = attempt, ""
		if attempt > 0 {
			o["retry_reason"] = "timeout"
		}
	}
	return frameOf(o)
}

// expire forgets an envelope: an acknowledgement that comes now is ignored.
func (s *Server) expire(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.socks.pending, id)
}

// acknowledged takes a frame the app sent.
func (s *Server) acknowledged(sock *socket, frame []byte) {
	var ack struct {
		ID      string          `json:"envelope_id"`
		Payload json.RawMessage `json:"payload"`
	}
	err := json.Unmarshal(frame, &ack)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.socks.pending[ack.ID]
	why := ""
	switch {
	case len(frame) >= ackSize:
		why = "too large"
	case err != nil:
		why = "not JSON"
	case d == nil:
		why = "unknown or late envelope"
	case s.socks.strict && d.sock != sock:
		why = "came on another socket"
	case s.socks.mute > 0:
		s.socks.mute--
		why = "told to ignore it"
	}
	if why != "" {
		s.happened(Event{Kind: AckIgnored, Text: why})
		return
	}
	delete(s.socks.pending, ack.ID)
	select {
	case d.ack <- ack.Payload:
		s.happened(Event{Kind: Acked, Text: d.kind})
	default: // its twin was acknowledged before
	}
}

// verdict waits for the acknowledgement of an envelope, at most three seconds.
func (s *Server) verdict(id string, d *delivery) (payload json.RawMessage, ok bool) {
	defer s.expire(id)
	timer := time.NewTimer(ackLife)
	defer timer.Stop()
	select {
	case payload := <-d.ack:
		if bytes.Equal(bytes.TrimSpace(payload), []byte("null")) {
			payload = nil
		}
		return payload, true
	case <-timer.C:
	case <-s.done:
	}
	return nil, false
}

// DuplicateNext delivers the next envelope twice: with the same envelope id, or
// with another and the same payload.
func (s *Server) DuplicateNext(sameID bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.doubles = append(s.socks.doubles, sameID)
}

// LoseNext loses the next n envelopes on the way to the app.
func (s *Server) LoseNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.lose = n
}

// DelayNext delivers the next envelope d later; those behind it overtake.
func (s *Server) DelayNext(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.delays = append(s.socks.delays, d)
}

// IgnoreAcks ignores the next n acknowledgements.
func (s *Server) IgnoreAcks(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.mute = n
}

// AcksOnSameSocketOnly says whether an acknowledgement counts only on the socket
// that got the envelope. Nobody knows whether Slack is that strict; at first it is not.
func (s *Server) AcksOnSameSocketOnly(strict bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.strict = strict
}

// SendRaw sends a frame as it is to one socket and reports whether there was one.
func (s *Server) SendRaw(frame []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sock := range s.socks.open {
		if !sock.leaving {
			sock.send(frame)
			return true
		}
	}
	return false
}

// SendEvent sends an Events API event, such as {"type":"message", …}, and repeats it
// at once, after a minute and after five while it is not acknowledged.
// It answers with the event id; EventDone or EventLost tells the end.
func (s *Server) SendEvent(event map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.made("Ev")
	wrapped := s.wrapped(id, event)
	s.spawnLocked(func() { s.persist(id, wrapped) })
	return id
}

// SendRetry delivers an event once, as the retry of that number, as if its first
// deliveries had been lost.
func (s *Server) SendRetry(event map[string]any, attempt int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.made("Ev")
	if envelopeID, d := s.deliver("events_api", s.wrapped(id, event), attempt); d != nil {
		s.spawnLocked(func() { s.settle(id, envelopeID, d) })
	}
	return id
}

func (s *Server) wrapped(id string, event object) object {
	return object{
		"token": "deprecated", "team_id": s.w.team.ID, "api_app_id": AppID, "event": event, "type": "event_callback",
		"event_id": id, "event_time": time.Now().Unix(), "event_context": "4-" + id, "is_ext_shared_channel": false,
		"authorizations": []object{{
			"enterprise_id": nil, "team_id": s.w.team.ID, "user_id": BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
	}
}

// settle waits for one delivery of an event.
func (s *Server) settle(eventID, envelopeID string, d *delivery) bool {
	_, ok := s.verdict(envelopeID, d)
	if ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.happened(Event{Kind: EventDone, Text: eventID})
	}
	return ok
}

// persist delivers an event until it is acknowledged, four times at most.
func (s *Server) persist(eventID string, wrapped object) {
	for attempt, wait := range []time.Duration{0, 0, time.Minute, 5 * time.Minute} {
		if wait > 0 && !s.sleep(wait) {
			return
		}
		s.mu.Lock()
		envelopeID, d := s.deliver("events_api", wrapped, attempt)
		s.mu.Unlock()
		if d != nil && s.settle(eventID, envelopeID, d) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happened(Event{Kind: EventLost, Text: eventID})
}
