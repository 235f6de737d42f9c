package wire

import (
	"fmt"
	"log/slog"
)

// A Secret is a password that does not get printed by accident: every usual
// way to print it gives ***. Only [Secret.Reveal] gives the text.
type Secret string

// Reveal returns the text. Whoever calls it sends it to Qualys and nowhere else.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string { return "***" }

// Format covers every verb of package fmt, %q, %x and %#v among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// MarshalJSON covers JSON, log lines written as JSON among it.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// MarshalText covers everything else that writes settings down.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue covers slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("***") }
