// Command demo puts Countersign on a stage, on this machine, without any token:
//
//	go run ./cmd/demo
//
// It starts a Slack, a Qualys and a Redis in a box and two real bots, which are
// child processes of the demo, and plays the conversation in demo.txt through
// them: the terminal shows what people do and what they see. In Qualys there are
// 2,500 platform users and 1,200 SAQ users of 40 vendors.
//
// After that it takes lines in the notation of package internal/chat:
//
//	alice> /qualys-users help              she types it in the channel
//	bob* Approve                           he presses a button
//	bob+ Type DELETE 29=DELETE 29          he fills in the form that is open
//	(10 seconds pass)                      time passes for real
//	(a bot is killed)                      with SIGKILL; the other one goes on
//
// help lists what there is, quit ends it, and so do the end of the input and an
// interrupt. A bot ends at the end of a pipe that the demo holds, so that none is
// left behind however the demo ends.
package main
