package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/cmd/demo/page"
	"countersign/internal/app"
	"countersign/internal/stage"
)

// A crew is the bots of the demo, numbered from 1. A bot that is started again
// takes the number of one that has ended.
type crew struct {
	start stage.Starter
	house *stage.House // set before anybody pulls a lever

	mu    sync.Mutex // guards the rest
	bots  []*child
	since []time.Time
}

// starter starts bots that the crew knows.
func (c *crew) starter(config app.Config) (stage.Bot, error) {
	b, err := c.start(config)
	if err != nil {
		return nil, err
	}
	started, ok := b.(*child)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a bot of type %T", b), b.Stop())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, old := range c.bots {
		if old.ended() {
			c.bots[n], c.since[n] = started, time.Now()
			return b, nil
		}
	}
	c.bots, c.since = append(c.bots, started), append(c.since, time.Now())
	return b, nil
}

// Count is how many bots there are, running or not.
func (c *crew) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.bots)
}

// State says how bot n is.
func (c *crew) State(n int) page.BotState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < 1 || n > len(c.bots) {
		return page.BotState{}
	}
	b := c.bots[n-1]
	return page.BotState{Running: !b.ended(), Process: b.cmd.Process.Pid, Since: c.since[n-1]}
}

// Kill ends bot n with SIGKILL.
func (c *crew) Kill(n int) error {
	c.mu.Lock()
	if n < 1 || n > len(c.bots) || c.bots[n-1].ended() {
		c.mu.Unlock()
		return fmt.Errorf("bot %d does not run", n)
	}
	b := c.bots[n-1]
	c.mu.Unlock()
	b.Kill()
	return nil
}

// Start starts a bot in the place of bot n.
func (c *crew) Start(ctx context.Context, n int) error {
	if c.State(n).Running {
		return fmt.Errorf("bot %d runs already", n)
	}
	return c.house.Add(ctx)
}
