package stage

import (
	"context"
	"log/slog"
	"time"
)

// A Config says how a stage is set up. The zero Config is a stage in real time.
type Config struct {
	// Rest waits until nobody does anything any more without time passing:
	// synctest.Wait in a bubble, nil in real time.
	Rest func()

	Quiet time.Duration // how long people must have seen nothing new; 0 means 5 s
	Log   *slog.Logger  // nil means none
	Dir   string        // for policy.yaml and spooled files; the house needs one

	Bots     int           // replicas of a house; 0 means 2
	CoolDown time.Duration // of the policy; 0 means 30 s
}

func (c Config) withDefaults() Config {
	if c.Rest == nil {
		c.Rest = func() {}
	}
	if c.Quiet == 0 {
		c.Quiet = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.CoolDown == 0 {
		c.CoolDown = 30 * time.Second
	}
	if c.Bots == 0 {
		c.Bots = 2
	}
	return c
}

// step is how often a stage looks while time passes.
const step = 250 * time.Millisecond

// settle lets time pass until nothing new was seen for a while. It gives up after
// a minute in which there was always something new.
func settle(ctx context.Context, c Config, grown func() int, pass func() error) error {
	last, quiet := grown(), time.Duration(0)
	for begin := time.Now(); quiet < c.Quiet && time.Since(begin) < time.Minute; {
		if err := pass(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if now := grown(); now != last {
			last, quiet = now, 0
		} else {
			quiet += step
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
