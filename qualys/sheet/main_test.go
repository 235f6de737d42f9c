package sheet

import (
	"testing"

	"go.uber.org/goleak"
)

// No goroutine of ours outlives its test.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
