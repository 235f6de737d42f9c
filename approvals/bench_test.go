package approvals

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// The benchmarks come in pairs: floor is redis-benchmark, which runs the very
// same script by EVALSHA and does nothing else; ours is the book. "make bench"
// prints their ratios. BenchmarkClaim alone compares the book with itself: floor
// is with 10 open requests, ours with 1,000.

func BenchmarkCreate1(b *testing.B)   { benchmarkCreate(b, 1, 3000) }
func BenchmarkCreate50(b *testing.B)  { benchmarkCreate(b, 50, 5000) }
func BenchmarkApprove1(b *testing.B)  { benchmarkApprove(b, 1, 3000) }
func BenchmarkApprove50(b *testing.B) { benchmarkApprove(b, 50, 5000) }

// A bench is a Redis with nothing on it but a book.
type bench struct {
	*testing.B
	client redis.UniversalClient
	book   *Book
	addr   string
}

func newBench(b *testing.B, clients int) *bench {
	addr := shared.single.get(b).addr
	o := like(b, "redis://"+addr, nil)
	o.PoolSize, o.MinIdleConns = clients+5, clients
	c := universal(b, o)
	require.NoError(b, c.FlushAll(context.Background()).Err())
	return &bench{b, c, openBook(b, c), addr}
}

// ask is the n-th plan to be held, of three users.
func (b *bench) ask(n int) Holding {
	h := holding(b, fmt.Sprintf("1234567890123.1234567890123.%032d", n), 1+3*n, 3)
	h.MaxOpen, h.MaxOpenEach, h.PlanSHA = 1e9, 1e9, strings.Repeat("a", 64)
	return h
}

// run lets clients do n things as fast as they can.
func (b *bench) run(clients, n int, do func(i int) error) {
	took := make([]time.Duration, n)
	errs := make([]error, clients)
	var all sync.WaitGroup
	begun := time.Now()
	for c := range clients {
		all.Go(func() {
			for i := c; i < n && errs[c] == nil; i += clients {
				before := time.Now()
				errs[c] = do(i)
				took[i] = time.Since(before)
			}
		})
	}
	all.Wait()
	b.report(time.Since(begun)/time.Duration(n), took)
	for _, err := range errs {
		require.NoError(b, err)
	}
}

func (b *bench) report(each time.Duration, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(each.Nanoseconds()), "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*9/10].Nanoseconds()), "p90-ns")
}

// redisBenchmark runs a script n times. In keys and arguments __rand_int__
// becomes one of so many numbers.
func (b *bench) redisBenchmark(clients, n, numbers int, s *program, keys []string, args ...any) {
	path := installed(b, "redis-benchmark")
	sha, err := s.Load(context.Background(), b.client).Result()
	require.NoError(b, err)
	host, port, _ := strings.Cut(b.addr, ":")
	words := []string{
		"-h", host, "-p", port, "-c", strconv.Itoa(clients), "-n", strconv.Itoa(n), "-r", strconv.Itoa(numbers), "--csv", "--precision", "3",
		"EVALSHA", sha, strconv.Itoa(len(keys)),
	}
	words = append(words, keys...)
	for _, a := range args {
		words = append(words, fmt.Sprint(a))
	}
	var out, problems bytes.Buffer
	cmd := exec.Command(path, words...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	require.NoError(b, cmd.Run(), problems.String())
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(b, err)
	require.Len(b, rows, 2)
	perSecond, err := strconv.ParseFloat(rows[1][slices.Index(rows[0], "rps")], 64)
	require.NoError(b, err)
	half, err := strconv.ParseFloat(rows[1][slices.Index(rows[0], "p50_latency_ms")], 64)
	require.NoError(b, err)
	b.ReportMetric(1e9/perSecond, "ns/op")
	b.ReportMetric(half*1e6, "p50-ns")
}

// anyNumber is a number that redis-benchmark makes up.
const anyNumber = "__rand_int__"

// anyKeys are the keys of a request with some number for its id.
func (b *bench) anyKeys() []string {
	return b.book.keys(anyNumber)
}

func benchmarkCreate(b *testing.B, clients, n int) {
	b.Run("floor", func(b *testing.B) {
		r := newBench(b, clients)
		h := r.ask(1)
		payload, err := h.Plan.payload()
		require.NoError(b, err)
		args := r.book.holdArgs(h, "ABCDE", payload, time.Now(), "")
		args[12] = strings.Repeat("x", len(args[12].([]byte))) // an argument of a program has no zeros
		for i := len(args) - 3; i < len(args); i++ {
			args[i] = anyNumber // users
		}
		args = append([]any{anyNumber, r.book.Policy, anyNumber, r.book.Retention.Milliseconds()}, args...)
		for b.Loop() {
			r.redisBenchmark(clients, n, 1e9, hold, r.anyKeys(), args...)
		}
		require.Greater(b, r.client.HLen(context.Background(), r.book.key("open")).Val(), int64(n*99/100), "it held them")
	})
	b.Run("ours", func(b *testing.B) {
		r := newBench(b, clients)
		asks := make([]Holding, n+1)
		for i := range asks {
			asks[i] = r.ask(i)
		}
		_, err := r.book.Hold(context.Background(), asks[n]) // Redis knows the script
		require.NoError(b, err)
		for b.Loop() {
			r.run(clients, n, func(i int) error { return second(r.book.Hold(context.Background(), asks[i])) })
		}
	})
}

func benchmarkApprove(b *testing.B, clients, n int) {
	b.Run("floor", func(b *testing.B) {
		r := newBench(b, clients)
		p := r.held(n)[0]
		const numbers, atOnce = 50_000, 500
		for from := 0; from < numbers; from += atOnce {
			require.NoError(b, r.client.Eval(context.Background(), `
local fields = redis.call('HGETALL', KEYS[1])
for i = ARGV[2], ARGV[2] + ARGV[3] - 1 do redis.call('HSET', ARGV[1] .. string.format('%012d', i), unpack(fields)) end
return 'OK'`,
				[]string{r.book.key("r:" + p.ID)}, r.book.key("r:"), from, atOnce).Err())
		}
		keys := r.anyKeys()
		keys[1] = r.book.key("p:" + p.ID)
		d := yes(p, bob)
		mac := strings.Repeat("a", 64)
		for b.Loop() {
			r.redisBenchmark(clients, n, numbers, decide, keys, anyNumber, r.book.Policy, anyNumber, r.book.Retention.Milliseconds(),
				d.By, "", "yes", d.Fingerprint, mac, p.mac, p.round, "")
		}
		events, err := r.book.Last(context.Background())
		require.NoError(b, err)
		require.Greater(b, events, int64(n+n*9/10), "it approved them")
	})
	b.Run("ours", func(b *testing.B) {
		r := newBench(b, clients)
		var clicks []Decision
		for i, p := range r.held(n + 1) {
			d := yes(p, bob)
			d.Op, d.Seen = fmt.Sprintf("%012d", i), p
			clicks = append(clicks, d)
		}
		_, err := r.book.Decide(context.Background(), clicks[n]) // Redis knows the script
		require.NoError(b, err)
		for b.Loop() {
			r.run(clients, n, func(i int) error { return second(r.book.Decide(context.Background(), clicks[i])) })
		}
	})
}

// held holds so many requests that can be decided.
func (b *bench) held(n int) []Pending {
	var all []Pending
	for i := range n {
		p, err := b.book.Hold(context.Background(), b.ask(i))
		require.NoError(b, err)
		require.NoError(b, b.client.HSet(context.Background(), b.book.key("r:"+p.ID), "ready", "1").Err())
		all = append(all, p)
	}
	return all
}

// BenchmarkClaim looks for what is due, and claims it.
func BenchmarkClaim(b *testing.B) {
	for _, with := range []struct {
		name string
		open int
	}{{"floor", 10}, {"ours", 1000}} {
		b.Run(with.name, func(b *testing.B) {
			r := newBench(b, 1)
			ctx := context.Background()
			p := r.held(with.open)[0]
			p, err := r.book.Decide(ctx, yes(p, bob))
			require.NoError(b, err)
			require.NoError(b, r.client.HSet(ctx, r.book.key("posted"), "seq", 1e6).Err())
			for b.Loop() {
				took := make([]time.Duration, 1000)
				var sum time.Duration
				for i := range took {
					before := time.Now()
					due, err := r.book.Due(ctx, 100)
					require.NoError(b, err)
					require.Equal(b, []string{p.ID}, due)
					run, err := r.book.Claim(ctx, p.ID, strconv.Itoa(i), time.Minute)
					took[i] = time.Since(before)
					require.NoError(b, err)
					sum += took[i]
					require.NoError(b, run.Release(ctx, 0))
				}
				r.report(sum/time.Duration(len(took)), took)
			}
		})
	}
}
