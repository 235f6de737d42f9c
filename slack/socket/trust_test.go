package socket

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Without TLS the ticket and everything people type could be read on the way.
func TestOnlyThisMachineIsTrustedWithoutTLS(t *testing.T) {
	for address, trust := range map[string]bool{
		"wss://wss-primary.slack.com/link/?ticket=secret": true,
		"ws://127.0.0.1:8080/link/?ticket=secret":         true,
		"ws://[::1]:8080/link/?ticket=secret":             true,
		"ws://localhost:8080/link/?ticket=secret":         true,
		"ws://wss-primary.slack.com/link/?ticket=secret":  false,
		"ws://10.0.0.1/link/?ticket=secret":               false,
		"ws://localhost.example.com/?ticket=secret":       false,
		"https://slack.com/link/?ticket=secret":           false,
		"wss://%zz/?ticket=secret":                        false,
		"":                                                false,
	} {
		err := trusted(address)
		assert.Equal(t, trust, err == nil, "trusted(%q) = %v", address, err)
		if err != nil {
			assert.NotContains(t, err.Error(), "secret")
		}
	}
}
