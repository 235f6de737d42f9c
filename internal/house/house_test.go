package house

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The house itself, as it stands in this repository.
func TestTheHouseStands(t *testing.T) {
	faults, err := check(os.DirFS("../.."))
	require.NoError(t, err)
	for _, fault := range faults {
		assert.Fail(t, fault)
	}
}
