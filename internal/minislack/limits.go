package minislack

import (
	"math"
	"time"
)

// limits is how much the app may do in a while.
type limits struct {
	perSecond float64 // messages in a channel; 0 means as many as it likes
	burst     int
	channels  map[string]*bucket
	tiers     map[string]int // calls a minute, by method
	windows   map[string][]time.Time
	metadata  int             // bytes
	blocks    map[string]bool // accepted beyond the old ones
}

// A bucket holds the right to post messages.
type bucket struct {
	tokens float64
	at     time.Time
}

// documentedTiers are the limits of the methods an app like ours calls.
var documentedTiers = map[string]int{
	"chat.update": 50, "chat.postEphemeral": 100, "chat.delete": 50,
	"files.getUploadURLExternal": 100, "files.completeUploadExternal": 100, "files.info": 100,
	"views.open": 100, "views.push": 100, "views.update": 100,
	"conversations.history": 50, "conversations.replies": 50, "conversations.info": 50,
	"conversations.open": 50, "conversations.list": 20, "users.info": 100, "users.list": 20,
	"usergroups.users.list": 20, "usergroups.list": 20, "apps.connections.open": 50,
}

func newLimits() limits {
	return limits{
		perSecond: 1, burst: 5, metadata: 8 << 10,
		channels: map[string]*bucket{}, windows: map[string][]time.Time{}, blocks: map[string]bool{},
		tiers: map[string]int{"usergroups.users.list": 20, "usergroups.list": 20},
	}
}

// SetMessageRate sets how many messages a second a channel takes and how many at
// once. Zero messages a second switches the limit off.
func (s *Server) SetMessageRate(perSecond float64, burst int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.perSecond, s.limits.burst = perSecond, burst
	clear(s.limits.channels)
}

// SetTier limits a method to so many calls a minute; 0 lifts the limit.
func (s *Server) SetTier(method string, perMinute int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.tiers[method] = perMinute
}

// EnforceTiers limits every method as documented. Otherwise only the look-ups of user groups are.
func (s *Server) EnforceTiers() {
	for method, perMinute := range documentedTiers {
		s.SetTier(method, perMinute)
	}
}

// SetMetadataLimit sets how many bytes the metadata of a message may have.
func (s *Server) SetMetadataLimit(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.metadata = bytes
}

// AcceptBlocks makes messages take younger block types too, such as "table". Inside they are not checked.
func (s *Server) AcceptBlocks(types ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range types {
		s.limits.blocks[t] = true
	}
}

// tier counts a call against its method's tier and answers how long to wait, or 0.
func (l *limits) tier(method string, now time.Time) time.Duration {
	most := l.tiers[method]
	if most == 0 {
		return 0
	}
	window := l.windows[method]
	for len(window) > 0 && now.Sub(window[0]) >= time.Minute {
		window = window[1:]
	}
	if len(window) >= most {
		l.windows[method] = window
		return window[0].Add(time.Minute).Sub(now)
	}
	l.windows[method] = append(window, now)
	return 0
}

// post takes the right to one message in a channel and answers how long to wait, or 0.
func (l *limits) post(channel string, now time.Time) time.Duration {
	if l.perSecond <= 0 {
		return 0
	}
	b := l.channels[channel]
	if b == nil {
		b = &bucket{tokens: float64(l.burst), at: now}
		l.channels[channel] = b
	}
	b.tokens = math.Min(float64(l.burst), b.tokens+now.Sub(b.at).Seconds()*l.perSecond)
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / l.perSecond * float64(time.Second))
	}
	b.tokens--
	return 0
}
