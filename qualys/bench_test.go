package qualys_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// The benchmarks come in threes: floor is the least anybody could do, stdlib
// what encoding/csv or encoding/xml alone does, ours the whole way. "make bench"
// prints their ratios.

// plain hides what io.Copy would use as a short cut.
type plain struct{ io.Writer }

// file is where a download is spooled.
func file(b *testing.B) io.Writer {
	f, err := os.Create(filepath.Join(b.TempDir(), "users.csv"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = f.Close() })
	return plain{f}
}

// 1,000,000 rows (some 440 MB) from memory into a file: copied as they are,
// read and written by encoding/csv alone, and as [qualys.Client.Download] does
// it: read, each user once, counted, neutralised, written.
func BenchmarkDownload(b *testing.B) {
	const users = 1_000_000
	each := func(b *testing.B, do func(page []byte)) {
		for b.Loop() {
			for offset := 0; offset < users; offset += 1000 {
				do(seedPage(users, offset, 1000))
			}
		}
	}
	b.Run("floor", func(b *testing.B) {
		to := file(b)
		each(b, func(page []byte) {
			_, err := io.Copy(to, struct{ io.Reader }{bytes.NewReader(page)})
			require.NoError(b, err)
		})
	})
	b.Run("stdlib", func(b *testing.B) {
		w := csv.NewWriter(bufio.NewWriterSize(file(b), 64<<10))
		each(b, func(page []byte) {
			r := csv.NewReader(bytes.NewReader(page))
			r.ReuseRecord, r.FieldsPerRecord = true, -1
			for record, err := r.Read(); err == nil; record, err = r.Read() {
				_ = w.Write(record)
			}
			w.Flush()
		})
		require.NoError(b, w.Error())
	})
	b.Run("ours", func(b *testing.B) {
		c := (&canned{users: users}).client(b)
		to := file(b)
		for b.Loop() {
			d, err := c.Download(context.Background(), qualys.DownloadQuery{}, to)
			require.NoError(b, err)
			require.Equal(b, users, d.Rows)
		}
	})
}

// 100 pages from a server that takes 50 ms for each: the first alone, because
// it tells how many there are, then two at a time. That bound is the floor.
func BenchmarkPages(b *testing.B) {
	const pages, takes = 100, 50 * time.Millisecond
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			time.Sleep((1 + pages/2) * takes)
		}
	})
	b.Run("ours", func(b *testing.B) {
		c := (&canned{users: pages * 1000, takes: func(int) time.Duration { return takes }}).client(b)
		for b.Loop() {
			d, err := c.Download(context.Background(), qualys.DownloadQuery{}, io.Discard)
			require.NoError(b, err)
			require.Equal(b, pages, d.Calls)
		}
	})
}
