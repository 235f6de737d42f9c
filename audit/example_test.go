package audit_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"

	"countersign/audit"
)

// All that an auditor needs is the export and the public key.
func ExampleVerify() {
	key, err := base64.StdEncoding.DecodeString("6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=")
	if err != nil {
		fmt.Println(err)
		return
	}
	export, err := os.Open("testdata/vector.jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer export.Close()
	report, err := audit.Verify(ed25519.PublicKey(key), audit.ReadJSONL(export))
	fmt.Println(report.Sound(), report.Code(), err)
	fmt.Println(report.Print(os.Stdout))
	// Output:
	// true 0 <nil>
	// 2 entries of chain default, #1 to #2.
	// Sound. The head is #2 575b76bea235f76b4f4eef5921aa6e4ebb5cb155fa3d9d75c6f599ddb0d1e6b7; the bot's log must show the same.
	// <nil>
}
