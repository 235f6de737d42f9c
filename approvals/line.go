package approvals

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// copyWithin is how long a script waits for a replica of Redis to have it.
const copyWithin = 500 * time.Millisecond

// ErrUnreplicated means that no replica of Redis has what was written: a
// failover now would lose it.
var ErrUnreplicated = errors.New("no replica of Redis has it yet")

// A line is where a script is run: on the one node that serves our keys, and,
// where it matters that a replica has what was written, on one connection that
// can ask so. A cluster's own client would follow redirections and repeat a
// script as it likes; a line does neither.
type line struct {
	node redis.UniversalClient // every single node, and every Sentinel's primary
	all  *redis.ClusterClient  // or nil
	key  string                // any key of ours: all are in one slot
}

func (b *Book) line() line {
	l := line{node: b.Client, key: b.key("probe")}
	l.all, _ = b.Client.(*redis.ClusterClient)
	return l
}

// primary is the node that serves our keys now.
func (l line) primary(ctx context.Context) (redis.UniversalClient, error) {
	if l.all == nil {
		return l.node, nil
	}
	return l.all.MasterForKey(ctx, l.key)
}

// run runs a script once. With copied it reports whether a replica has all
// that the script wrote.
func (l line) run(ctx context.Context, s *program, copied *bool, keys []string, args ...any) *redis.Cmd {
	node, err := l.primary(ctx)
	if err != nil {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(err)
		return cmd
	}
	var at redis.Scripter = node
	single, ok := node.(*redis.Client)
	var conn *redis.Conn
	if copied != nil && ok {
		conn = single.Conn()
		defer conn.Close()
		at = conn
	}
	cmd := s.Run(ctx, at, keys, args...)
	if l.all != nil && (lost(cmd.Err()) || strayed(cmd.Err())) {
		l.all.ReloadState(ctx)
	}
	if conn != nil && cmd.Err() == nil {
		*copied = copies(ctx, conn, l.key)
	}
	return cmd
}

// copies writes something behind everything that was written before, and
// reports whether a replica has it in time. Without that write a WAIT would
// prove nothing where a repeated script had nothing left to write.
func copies(ctx context.Context, conn *redis.Conn, key string) bool {
	pipe := conn.Pipeline()
	pipe.Set(ctx, key, "1", 0)
	have := pipe.Do(ctx, "wait", 1, copyWithin.Milliseconds())
	_, err := pipe.Exec(ctx)
	n, _ := have.Int()
	return err == nil && n >= 1
}

// copied reports whether a replica has everything that was written so far.
func (b *Book) copied(ctx context.Context) (bool, error) {
	node, err := b.line().primary(ctx)
	if err != nil {
		return false, unavailable(err)
	}
	single, ok := node.(*redis.Client)
	if !ok {
		return false, nil
	}
	conn := single.Conn()
	defer conn.Close()
	return copies(ctx, conn, b.key("probe")), nil
}

// Replicas is how many replicas the Redis that serves the book has at present.
// They come and go, so whoever tells the book ([Book.SetReplicated]) asks again.
func (b *Book) Replicas(ctx context.Context) (int, error) {
	node, err := b.line().primary(ctx)
	if err != nil {
		return 0, unavailable(err)
	}
	text, err := node.Info(ctx, "replication").Result()
	if err != nil {
		return 0, unavailable(err)
	}
	var n int
	for line := range strings.Lines(text) {
		if number, ok := strings.CutPrefix(line, "connected_slaves:"); ok {
			_, err = fmt.Sscan(number, &n)
		}
	}
	return n, err
}

// strayed reports whether another node of the cluster serves our keys by now:
// nothing was done.
func strayed(err error) bool {
	_, moved := redis.IsMovedError(err)
	_, ask := redis.IsAskError(err)
	return moved || ask || redis.IsReadOnlyError(err) || redis.IsTryAgainError(err) || redis.IsClusterDownError(err)
}
