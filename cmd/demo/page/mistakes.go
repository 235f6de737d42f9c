package page

import (
	"strconv"
	"strings"
)

// mistakes are what people type and the bot does not understand, and in which
// way. Each is answered with what is wrong and with what to type instead.
var mistakes = [][2]string{
	{"A near miss of a verb", "delte firstName=NewVendor reason=SEC-1"},
	{"Another word for it", "remove firstName=NewVendor"},
	{"No verb", "company=Acme"},
	{"Help about nothing", "help frobnicate"},
	{"Help about two verbs", "help find count"},
	{"A verb that stands alone", "whoami please"},

	{"A near miss of a field", "find compny=Acme"},
	{"A field in two words", "find First Name=Aisha"},
	{"Ids of tags under their name", "find tag=1,2"},
	{"A field alone", "find company"},
	{"No value", "find company="},
	{"An empty value", `find company=""`},
	{"A colon", "find company:Acme"},
	{"Not equal", "find company != Acme"},
	{"Not", "find not company=Acme"},
	{"A word for a sign", "find company is Acme"},
	{"A sign without a field", "find =Acme"},
	{"A comma between conditions", "find company=Acme , title=CISO"},
	{"A comma behind ids", "find id=1,2,title=CISO"},
	{"And", "find company=Acme and title=CISO"},
	{"Or", "find company=Acme or company=Globex"},
	{"The same field twice", "find company=Acme company=Globex"},
	{"A word alone", "find Acme"},
	{"All of them", "find all"},
	{"A value with a blank", "find company=Acme Corp"},
	{"A comma that is not quoted", "find company=Acme, Inc"},
	{"An open quote", `find company="Acme`},
	{"A word at a quote", `find company="Acme"Inc`},
	{"A quote inside", `find company=Ac"me`},
	{"A quote without a sign", `find company"Acme"`},
	{"A wildcard", "find company=Acme*"},
	{"Two lines in a value", "find company=\"Acme\nInc\""},
	{"A value without end", "find company=" + strings.Repeat("x", 256)},
	{"A character that turns the text", "find company=a\u202eb"},
	{"A broken character", "find company=a\xffb"},
	{"A command without end", "find company=" + strings.Repeat("x", 13000)},

	{"A word where an id belongs", "find id=Acme"},
	{"A part of an id", "find id~7"},
	{"Ids with blanks", "find id=1 2 3"},
	{"No id", `find id=","`},
	{"Too many ids", "find id=" + manyIDs(301)},
	{"Too many ids to delete", "delete reason=SEC-124 id=" + manyIDs(301)},
	{"No UUID", "find uuid=12"},

	{"No reason", "delete firstName=NewVendor"},
	{"A reason without a sign", "delete id=767231594 reason SEC-124"},
	{"An empty reason", `delete id=767231594 reason=""`},
	{"Two reasons", "delete id=767231594 reason=SEC-1 reason=SEC-2"},
	{"A reason with ~", "delete id=767231594 reason~SEC-1"},
	{"A reason on two lines", "delete id=767231594 reason=\"SEC-1\nSEC-2\""},
	{"A reason without end", "delete id=767231594 reason=" + strings.Repeat("x", 501)},
	{"A reason for a look", "find company=Acme reason=SEC-1"},
	{"A reason without a word", `delete id=767231594 reason="--"`},

	{"No condition", `delete reason="SEC-124"`},
	{"An update of nobody knows whom", "update reason=SEC-124"},
	{"Everybody", `delete all reason="SEC-124"`},
	{"An update without set", "update company=Acme title=CISO reason=SEC-1"},
	{"Nothing behind set", "update company=Acme set reason=SEC-1"},
	{"Set twice", "update id=767231594 set title=a set company=b reason=SEC-1"},
	{"Set in a delete", "delete id=767231594 set title=CISO reason=SEC-1"},
	{"A part of a new value", "update id=767231594 set title~CISO reason=SEC-1"},
	{"Two new values", "update id=767231594 set title=a title=b reason=SEC-1"},
	{"An empty new value", `update id=767231594 set title= reason="SEC-1"`},
	{"Clear, or the word", "update id=767231594 set title=Clear reason=SEC-1"},
	{"A field that cannot be changed", "update id=767231594 set userName=x title=y reason=SEC-1"},
	{"No address", "update id=767231594 set email=jo reason=SEC-1"},
	{"One address for many", "update company=Acme set email=jo@example.com reason=SEC-1"},

	{"A field of SAQ users", "download company=Acme"},
	{"A setting that is none", "download colour=red"},
	{"A setting with ~", "download role~READER"},
	{"A setting alone", "download limit"},
	{"An empty setting", `download limit=""`},
	{"A setting on two lines", "download timezone=\"Asia\nKolkata\""},
	{"A comma between settings", "download role=READER,limit=5"},
	{"No role", `download role=","`},
	{"A role on two lines", "download role=\"READER\nSCANNER\""},
	{"A role without end", "download role=" + strings.Repeat("x", 300)},
	{"A number that is none", "download limit=many"},
	{"A limit of all", "download limit=all"},
	{"A limit of nothing", "download limit=0"},
	{"A limit below nothing", "download limit=-5"},
	{"Another order", "download sort=lastName:desc"},
	{"An order of nothing", "download sort=desc"},
	{"No direction", "download sort=username:down"},
	{"No time zone", "download timezone=Mars/Olympus"},
	{"Another format", "download format=xlsx"},
	{"A reason for a download", "download reason=SEC-1"},
	{"A download of all", "download all"},

	{"A button as a command", "approve K7F3Q"},
	{"No id of a request", "show"},
	{"id= before the id", "show id=K7F3Q"},
	{"An id that cannot be one", "show K7F0"},
	{"Two ids", "cancel K7F3Q K7F3R"},
	{"A reason to cancel", "cancel K7F3Q reason=SEC-1"},
	{"Words behind close", "close K7F3Q checked by hand"},
	{"An id where a word belongs", "requests K7F3Q"},
	{"Another list", "requests closed"},
	{"Two lists", "requests open mine"},
}

// manyIDs are that many ids, with commas.
func manyIDs(n int) string {
	var all []string
	for i := range n {
		all = append(all, strconv.Itoa(767231594+i))
	}
	return strings.Join(all, ",")
}
