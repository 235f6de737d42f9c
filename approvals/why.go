package approvals

// A Why is the bot's own reason for something, as a word that sentences are
// made from. People's reasons are free text and stand elsewhere.
type Why string

// Why a user is left out of a plan, or was skipped in a run.
const (
	WhyAlreadySo  Why = "already-so" // it holds the new values
	WhyProtected  Why = "protected"  // the policy protects it, or it is the bot's own account
	WhyDrifted    Why = "changed"    // it changed since the plan was made
	WhyGone       Why = "gone"       // it is not there any more
	WhyUnwritable Why = "unwritable" // its former value cannot be written back
)

// Why a request was not started, or its run was given up.
const (
	WhyRequesterRights Why = "requester-rights" // the requester may not ask any more
	WhyApproverRights  Why = "approver-rights"  // an approver may not approve any more
	WhyQuorum          Why = "quorum"           // the policy asks for more approvals now
	WhyCap             Why = "cap"              // the policy allows fewer users now
	WhyChannel         Why = "channel"          // the policy does not list the channel any more
	WhyForged          Why = "forged"           // record or plan do not fit their seals
	WhyPayloadGone     Why = "payload-gone"     // the plan is no longer in Redis
	WhyCredentials     Why = "credentials"      // Qualys refuses the bot's login
	WhyUnknown         Why = "unknown"          // after three rounds a chunk's fate is unknown
	WhyFailures        Why = "failures"         // more than a fifth of a chunk failed
	WhyDeadline        Why = "deadline"         // nobody decided in time
	WhyFrozen          Why = "frozen"           // everything stood still for too long
	WhyStopped         Why = "stopped"          // a person stopped the run
	WhyUnreplicated    Why = "unreplicated"     // no replica of Redis has its approval or its claim
	WhyRolledBack      Why = "rolled-back"      // the channel knows more of it than Redis does
)

// An Outcome is what became of one user of a plan.
type Outcome struct {
	Result   Result `json:"result"`
	Sent     bool   `json:"sent"`               // a write named the user
	Answer   string `json:"answer,omitempty"`   // "named" when Qualys' answer listed it, or an error code
	Observed string `json:"observed,omitempty"` // what reading back showed, such as "gone" or "lastName=Left"
	Why      Why    `json:"why,omitempty"`      // why it was skipped
}

// A Result is the one word for an [Outcome]. ok + already so + failed +
// skipped + unknown add up to the users approved.
type Result string

// The results.
const (
	ResultDone    Result = "done"    // observed to be as approved
	ResultAlready Result = "already" // was so before we wrote: gone, or with these values
	ResultFailed  Result = "failed"  // written, and observed unchanged
	ResultSkipped Result = "skipped" // not written: changed, or protected
	ResultUnknown Result = "unknown" // perhaps written, not observed
	ResultNotRun  Result = "not-run" // the run ended before its turn
)
