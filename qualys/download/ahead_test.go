package download

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

// A page gets into the line only after the one before has left it, or was given
// up; else page 4 may be under way while page 2, which is needed next, waits.
func TestPagesAreAskedForInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []int
		leave := map[int]chan bool{1000: make(chan bool), 2000: make(chan bool), 3000: make(chan bool)}
		a := &ahead{next: 1000, end: 3500}
		a.fetch = func(_, offset int, sent func()) ([]byte, error) {
			asked = append(asked, offset)
			if <-leave[offset] {
				sent()
			}
			<-leave[offset]
			return []byte("page"), nil
		}
		a.fill()
		synctest.Wait()
		assert.Equal(t, []int{1000}, asked)

		leave[1000] <- true // on its way
		synctest.Wait()
		assert.Equal(t, []int{1000, 2000}, asked)

		leave[2000] <- false // never sent
		synctest.Wait()
		assert.Equal(t, []int{1000, 2000}, asked)
		close(leave[2000])
		synctest.Wait()
		assert.Equal(t, []int{1000, 2000, 3000}, asked)

		close(leave[1000])
		close(leave[3000])
		a.wait()
	})
}
