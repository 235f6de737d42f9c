// Package app puts the house together: settings in, a running bot out.
//
// [Run] is the whole program as one function. cmd/bot calls it with what the
// operator said; end-to-end tests and cmd/demo call it with simulators behind
// the dialers and with times of their own. [Check] tries the same parts
// read-only, one by one, and says what to do about what fails.
//
// Parts are closed in the reverse order of their opening: Slack is not heard
// any more, the executor finishes its chunk, the poster goes last.
package app
