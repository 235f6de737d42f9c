// Command demo puts Countersign on a stage, on this machine, without any token:
//
//	go run ./cmd/demo
//
// It starts a Slack, a Qualys and a Redis in a box and two real bots, which are
// child processes of the demo, and prints the address of a page: the channel, to
// be used as any of its people, with a short tour, levers that break things, the
// users in Qualys (/qualys) and everything the bot can say (/gallery). In Qualys
// there are 2,500 platform users and 1,200 SAQ users of 40 vendors.
//
//	go run ./cmd/demo -play
//
// plays the conversation in demo.txt on the terminal first: what people do, and
// what they see.
//
// At its prompt it takes lines in the notation of package internal/chat:
//
//	alice> /qualys-users help              she types it in the channel
//	bob* Approve                           he presses a button
//	bob+ Type DELETE 29=DELETE 29          he fills in the form that is open
//	(10 seconds pass)                      time passes for real
//	(a bot is killed)                      with SIGKILL; the other one goes on
//
// help lists what there is, quit ends it, and so does an interrupt. A bot ends at the end of a pipe that the demo holds, so that none is
// left behind however the demo ends.
package main
