package sheet

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANameIsNewOnce(t *testing.T) {
	s := newSeen()
	for round := range 2 {
		for i := range 100_000 {
			require.Equal(t, round == 0, s.add(fmt.Sprint("quays_", i)), "name %d", i)
		}
	}
	places := 0
	for _, table := range s.tables {
		places += len(table)
	}
	assert.Less(t, places*8, 100_000*12, "bytes for 100,000 names")
}
