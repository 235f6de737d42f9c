package rules_test

import (
	"context"
	"fmt"

	"countersign/approvals/rules"
)

func Example() {
	policy, err := rules.Parse([]byte(`
channels: [C012AB3CD]
readers: [UALICE, UBOB]
requesters: [UALICE]
approvers: [UALICE, UBOB]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, dir := context.Background(), newOffice()
	alice := rules.Person{Team: "T1", ID: "UALICE"}
	bob := rules.Person{Team: "T1", ID: "UBOB"}

	need, ok := policy.Need(49)
	fmt.Println(need, ok)
	fmt.Println(policy.MayApprove(ctx, dir, alice, alice))
	fmt.Println(policy.MayApprove(ctx, dir, alice, bob))
	// Output:
	// 1 true
	// own request
	// <nil>
}

func ExampleParse() {
	_, err := rules.Parse([]byte(`channels: [C012AB3CD]
readers: [U012AB3CD]
requesters: [U012AB3CD]
approvers: ["@bob"]
`))
	fmt.Println(err)
	// Output:
	// policy: 1 mistake
	// line 4: An entry of approvers must be the id of a person or user group, not "@bob". Write the id of a person, such as U012AB3CD, or of a user group, such as S012AB3CD; bot check finds it.
	//    1 | channels: [C012AB3CD]
	//    2 | readers: [U012AB3CD]
	//    3 | requesters: [U012AB3CD]
	// >  4 | approvers: ["@bob"]
	//                    ^
}
