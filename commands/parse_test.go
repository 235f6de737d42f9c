package commands_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/commands"
	"countersign/commands/grammar"
	"countersign/qualys"
)

func where(conditions ...qualys.Condition) qualys.Filter { return conditions }

func is(f qualys.Field, v string) qualys.Condition {
	return qualys.Condition{Field: f, Operator: qualys.Equals, Values: []string{v}}
}

func has(f qualys.Field, v string) qualys.Condition {
	return qualys.Condition{Field: f, Operator: qualys.Contains, Values: []string{v}}
}

func in(f qualys.Field, v ...string) qualys.Condition {
	return qualys.Condition{Field: f, Operator: qualys.In, Values: v}
}

const nbsp = "\u00a0"

var understood = []struct {
	name, text string
	want       commands.Request
}{
	{"nothing asks for help", "", commands.Request{Verb: commands.Help}},
	{"blanks ask for help", " \n ", commands.Request{Verb: commands.Help}},
	{"help about a verb", "help delete", commands.Request{Verb: commands.Help, About: commands.Delete}},
	{"whoami", "WhoAmI", commands.Request{Verb: commands.Whoami}},
	{"the command itself, pasted with it", "/qualys-users whoami", commands.Request{Verb: commands.Whoami}},

	{"find without a condition is everybody", "find", commands.Request{Verb: commands.Find}},
	{"one condition", "find company=Acme", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme"))}},
	{"a part of a text", "find company~Acme", commands.Request{Verb: commands.Find, Filter: where(has(qualys.Company, "Acme"))}},
	{"contains, as a word", "find company contains Acme", commands.Request{Verb: commands.Find, Filter: where(has(qualys.Company, "Acme"))}},
	{"contains, and a quoted value", `find company CONTAINS "Acme Inc"`, commands.Request{Verb: commands.Find, Filter: where(has(qualys.Company, "Acme Inc"))}},
	{"a company called contains", "find company=contains", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "contains"))}},
	{"blanks around the signs", "find company = Acme title ~ boss", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme"), has(qualys.Title, "boss"))}},
	{"conditions on lines of their own", "find company=Acme\ntitle=x", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme"), is(qualys.Title, "x"))}},
	{"all ten fields", `count id=1 uuid=d78bbe2c-5396-48ea-92cc-03d0076ee839 firstName=a lastName=b company=c title=d emailAddress=e userName=f tags.tag.id=2 tags.tag.name=g`,
		commands.Request{Verb: commands.Count, Filter: where(is(qualys.ID, "1"), is(qualys.UUID, "d78bbe2c-5396-48ea-92cc-03d0076ee839"), is(qualys.FirstName, "a"),
			is(qualys.LastName, "b"), is(qualys.Company, "c"), is(qualys.Title, "d"), is(qualys.EmailAddress, "e"), is(qualys.UserName, "f"), is(qualys.TagID, "2"), is(qualys.TagName, "g"))}},
	{"field names ignore case", "find FIRSTNAME=a COMPANY~b", commands.Request{Verb: commands.Find, Filter: where(is(qualys.FirstName, "a"), has(qualys.Company, "b"))}},
	{"other names of fields", `find email~a login=b tag=c "First Name"=d last_name=e job-title=f`, commands.Request{Verb: commands.Find,
		Filter: where(has(qualys.EmailAddress, "a"), is(qualys.UserName, "b"), is(qualys.TagName, "c"), is(qualys.FirstName, "d"), is(qualys.LastName, "e"), is(qualys.Title, "f"))}},
	{"a quoted value keeps its commas", `find company="Acme, Inc"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme, Inc"))}},
	{"single quotes", `find company='Acme "the" Corp'`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, `Acme "the" Corp`))}},
	{"an apostrophe is no quote", `find lastName=O'Brien firstName='t`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.LastName, "O'Brien"), is(qualys.FirstName, "'t"))}},
	{"a quote and a backslash in quotes", `find company="a\"b\\c\d"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, `a"b\c\d`))}},
	{"signs inside a value", `find company=a=b~c`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "a=b~c"))}},
	{"a value called set", "find company=set", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "set"))}},
	{"reason inside a value", `find company="reason=x"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "reason=x"))}},
	{"clear selects the word clear", "find title=clear", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Title, "clear"))}},

	{"a list of ids", "find id=3,1,2", commands.Request{Verb: commands.Find, Filter: where(in(qualys.ID, "3", "1", "2"))}},
	{"ids with blanks after the commas", "find id=3, 1 , 2", commands.Request{Verb: commands.Find, Filter: where(in(qualys.ID, "3", "1", "2"))}},
	{"ids with blanks between quotes", `find id="3 1  2"`, commands.Request{Verb: commands.Find, Filter: where(in(qualys.ID, "3", "1", "2"))}},
	{"ids on lines of their own", "find id=3\n1\r\n2 company=x", commands.Request{Verb: commands.Find, Filter: where(in(qualys.ID, "3", "1", "2"), is(qualys.Company, "x"))}},
	{"P41: blanks around pasted ids", "find id=\" 3" + nbsp + ",\t1 \"", commands.Request{Verb: commands.Find, Filter: where(in(qualys.ID, "3", "1"))}},
	{"P41: blanks around values", `find company="  Acme  "`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme"))}},
	{"the same id twice counts once", "find id=7,7,07", commands.Request{Verb: commands.Find, Filter: where(is(qualys.ID, "7"))}},
	{"a comma too many", "find id=1,,2,", commands.Request{Verb: commands.Find, Filter: where(in(qualys.ID, "1", "2"))}},
	{"a list of tags", "find tagid=5,6", commands.Request{Verb: commands.Find, Filter: where(in(qualys.TagID, "5", "6"))}},

	{"delete", `delete firstName=NewVendor reason="SEC-124"`, commands.Request{Verb: commands.Delete, Filter: where(is(qualys.FirstName, "NewVendor")), Reason: "SEC-124"}},
	{"the reason stands anywhere", `delete reason="SEC-124" firstName=NewVendor`, commands.Request{Verb: commands.Delete, Filter: where(is(qualys.FirstName, "NewVendor")), Reason: "SEC-124"}},
	{"dashes before a word do no harm", `delete firstName=NewVendor --reason=SEC-124`, commands.Request{Verb: commands.Delete, Filter: where(is(qualys.FirstName, "NewVendor")), Reason: "SEC-124"}},
	{"delete alone asks for the form", "delete", commands.Request{Verb: commands.Delete}},
	{"update alone asks for the form", " update ", commands.Request{Verb: commands.Update}},
	{"update", `update company=NewVendor set lastName="Left" title=clear reason="SEC-123 contract ended"`, commands.Request{Verb: commands.Update,
		Filter: where(is(qualys.Company, "NewVendor")), Set: qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "Left"}, qualys.Set{Field: qualys.Title}), Reason: "SEC-123 contract ended"}},
	{"the same field selects and changes", `update company=A set company=B reason=x`, commands.Request{Verb: commands.Update,
		Filter: where(is(qualys.Company, "A")), Set: qualys.NewChange(qualys.Set{Field: qualys.Company, Value: "B"}), Reason: "x"}},
	{"P52: quoted, clear is a word", `update id=1 set title="clear" reason=x`, commands.Request{Verb: commands.Update,
		Filter: where(is(qualys.ID, "1")), Set: qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "clear"}), Reason: "x"}},
	{"the reason before set", `update id=1 reason=x SET title=y`, commands.Request{Verb: commands.Update,
		Filter: where(is(qualys.ID, "1")), Set: qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "y"}), Reason: "x"}},

	{"download everything", "download", commands.Request{Verb: commands.Download}},
	{"a time zone without a place", "download timezone=GMT", commands.Request{Verb: commands.Download, Listing: qualys.DownloadQuery{Timezone: "GMT"}}},
	{"a time zone of a country", "download timezone=Japan", commands.Request{Verb: commands.Download, Listing: qualys.DownloadQuery{Timezone: "Japan"}}},
	{"download with everything", "download role=READER,SCANNER sort=username:desc timezone=Asia/Kolkata limit=5000 offset=10 format=csv", commands.Request{Verb: commands.Download,
		Listing: qualys.DownloadQuery{Roles: []string{"READER", "SCANNER"}, Descending: true, Timezone: "Asia/Kolkata", Limit: 5000, Offset: 10}}},
	{"roles with blanks", `download role="Reporting Reader",READER`, commands.Request{Verb: commands.Download, Listing: qualys.DownloadQuery{Roles: []string{"Reporting Reader", "READER"}}}},
	{"roles in one pair of quotes", `download roles="READER, SCANNER" sort="Username: ASC"`, commands.Request{Verb: commands.Download, Listing: qualys.DownloadQuery{Roles: []string{"READER", "SCANNER"}}}},

	{"requests are the open ones", "requests", commands.Request{Verb: commands.Requests, Which: grammar.OpenOnes}},
	{"my requests", "requests MINE", commands.Request{Verb: commands.Requests, Which: grammar.MyOnes}},
	{"show", "show k7f3q", commands.Request{Verb: commands.Show, ID: "K7F3Q"}},
	{"an id as it stands in a sentence", "show `#K7F3Q`.", commands.Request{Verb: commands.Show, ID: "K7F3Q"}},
	{"cancel", "cancel K7F3Q", commands.Request{Verb: commands.Cancel, ID: "K7F3Q"}},
	{"close", "close K7F3Q", commands.Request{Verb: commands.Close, ID: "K7F3Q"}},
	{"withdraw", "withdraw K7F3Q", commands.Request{Verb: commands.Withdraw, ID: "K7F3Q"}},
	{"stop", "Stop k7f3q", commands.Request{Verb: commands.Stop, ID: "K7F3Q"}},
	{"resume", "resume K7F3Q", commands.Request{Verb: commands.Resume, ID: "K7F3Q"}},
	{"freeze", "freeze", commands.Request{Verb: commands.Freeze}},
	{"unfreeze", "UNFREEZE ", commands.Request{Verb: commands.Unfreeze}},
	{"retry", "retry K7F3Q", commands.Request{Verb: commands.Retry, ID: "K7F3Q"}},
	{"retry, and why", `retry K7F3Q reason="once more"`, commands.Request{Verb: commands.Retry, ID: "K7F3Q", Reason: "once more"}},
	{"undo", "undo K7F3Q", commands.Request{Verb: commands.Undo, ID: "K7F3Q"}},
	{"undo, and why", "undo K7F3Q —reason=mistake", commands.Request{Verb: commands.Undo, ID: "K7F3Q", Reason: "mistake"}},
	{"close, and why", `close K7F3Q reason="checked by hand"`, commands.Request{Verb: commands.Close, ID: "K7F3Q", Reason: "checked by hand"}},

	{"curly quotes", "find company=“Acme Corp” title=‘x y’", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme Corp"), is(qualys.Title, "x y"))}},
	{"an em dash was two hyphens", "delete id=1 —reason=x", commands.Request{Verb: commands.Delete, Filter: where(is(qualys.ID, "1")), Reason: "x"}},
	{"an en dash is a letter of a name", `find company="Acme – EU"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme – EU"))}},
	{"blanks that do not break", "find" + nbsp + "company=Acme\u3000title=x", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme"), is(qualys.Title, "x"))}},
	{"blanks of no width", "find comp\u200bany=\ufeffAcme", commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Acme"))}},
	{"letters in two pieces", "find lastName=Mu\u0308ller", commands.Request{Verb: commands.Find, Filter: where(is(qualys.LastName, "Müller"))}},
	{"entities", `find company="Smith &amp; Sons &lt;UK&gt;"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "Smith & Sons <UK>"))}},
	{"entities are undone once", `find company="&amp;lt;"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Company, "&lt;"))}},
	{"an address that Slack made a link", "find email=<mailto:jo@example.com|jo@example.com>", commands.Request{Verb: commands.Find, Filter: where(is(qualys.EmailAddress, "jo@example.com"))}},
	{"an address without a label", "find email=<mailto:jo@example.com>", commands.Request{Verb: commands.Find, Filter: where(is(qualys.EmailAddress, "jo@example.com"))}},
	{"a host that Slack made a link", "find company~<http://acme.com|acme.com>", commands.Request{Verb: commands.Find, Filter: where(has(qualys.Company, "acme.com"))}},
	{"a link without a label", `find title=<https://acme.com/x>`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Title, "https://acme.com/x"))}},
	{"a mention", `find title="<@U1|jo> <@U2> <#C1|general> <#C2|> <!subteam^S1|@ops> <!here>"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Title, "@jo @U2 #general #C2 @ops @here"))}},
	{"a wrapping that was typed", `find title="&lt;@U1|jo&gt;"`, commands.Request{Verb: commands.Find, Filter: where(is(qualys.Title, "<@U1|jo>"))}},
}

func TestWhatPeopleTypeIsUnderstood(t *testing.T) {
	for _, tt := range understood {
		t.Run(tt.name, func(t *testing.T) {
			r, err := commands.Parse(tt.text)
			require.NoError(t, err)
			assert.Equal(t, tt.want, r, "Parse(%q)", tt.text)
			again, err := commands.Parse(r.String())
			require.NoError(t, err, "written again: %s", r)
			assert.Equal(t, r, again, "written again: %s", r)
		})
	}
}

var ids301 = func() string {
	var b strings.Builder
	for i := range 301 {
		fmt.Fprintf(&b, "%d,", 1000+i)
	}
	return b.String()
}()

var misunderstood = []struct{ name, text, problem, hint string }{
	// The verb.
	{"a near miss", "delte firstName=x reason=y", `There is no command called "delte".`, "delete firstName=x reason=y"},
	{"another word for it", "remove id=1 reason=y", `There is no command called "remove".`, "delete id=1 reason=y"},
	{"a verb of somewhere else", "frobnicate", `There is no command called "frobnicate".`, "help"},
	{"no verb", "company=Acme", "A command begins with a verb, such as find.", "find company=Acme"},
	{"help about nothing", "help frobnicate", `There is no verb called "frobnicate" to explain.`, "help"},
	{"help about a near miss", "help delte", `There is no verb called "delte" to explain.`, "help delete"},
	{"help about two verbs", "help find count", "help takes one verb.", "help find"},
	{"whoami and more", "whoami please", `whoami stands alone; "please" is too much.`, "whoami"},

	// Fields and signs.
	{"a near miss of a field", "find compny=Acme", `There is no field called "compny". There are id,`, "find company=Acme"},
	{"a field that is none", "find shoe=44", `There is no field called "shoe". There are id,`, "find company=Acme"},
	{"a near miss behind set", "update id=1 set lastnam=x reason=y", `There is no field called "lastnam". There are firstName,`, "update id=1 set lastName=x reason=y"},
	{"a field in two words", "find First Name=x", `"First Name" is one field: write it in one word, or in quotes.`, "find firstName=x"},
	{"a field in two words, behind a value", "find company=Acme last name=x", `"last name" is one field: write it in one word, or in quotes.`, "find company=Acme lastName=x"},
	{"ids of tags under their name", "find tag=1,2", `"tag" is the name of a tag; tags.tag.id takes ids, and a list of them.`, "find tags.tag.id=1,2"},
	{"nothing behind a field", "find company= title=x", "The value of company is empty.", "find company=… title=x"},
	{"a field alone", "find company", `"company" needs a = and a value.`, "find company=…"},
	{"a colon", "find company:Acme", `There is no sign ":", only = and ~.`, "find company=Acme"},
	{"two signs", "find company=~Acme", `There is no sign "=~", only = and ~.`, "find company~Acme"},
	{"not equal", "find company != Acme", `There is no "not": conditions say what users have.`, "find company=Acme"},
	{"not", "find not company=Acme", `There is no "not": conditions say what users have.`, "find company=Acme"},
	{"is", "find company is Acme", `Between field and value stands = or ~, not "is".`, "find company=Acme"},
	{"like", "find company like Acme", `Between field and value stands = or ~, not "like".`, "find company~Acme"},
	{"a sign without a field", "find =Acme", `A "=" stands without a field before it.`, "find company=Acme"},
	{"a comma between conditions", "find company=Acme , title=x", "A blank is enough between conditions, there is no comma.", "find company=Acme title=x"},
	{"a comma behind ids", "find id=1,2,title=x", "A blank is enough between conditions, there is no comma.", "find id=1,2 title=x"},
	{"and", "find company=a and title=b", `All conditions hold together; there is no "and" between them.`, "find company=a title=b"},
	{"or", "find company=a or company=b", `There is no "or": ask twice.`, "find company=a"},
	{"the same field twice", "find company=a company=b", "company stands twice.", "find company=a"},
	{"the same field twice, by another name", "find email=a mail=b", "emailAddress stands twice.", "find email=a"},
	{"a word alone", "find Acme", `"Acme" is neither a field nor part of a value.`, "find company=Acme"},
	{"a number alone", "find 767231592", `"767231592" is neither a field nor part of a value.`, "find id=767231592"},
	{"an address alone", "find jo@example.com", `"jo@example.com" is neither a field nor part of a value.`, "find emailAddress=jo@example.com"},
	{"all", "find all", "Without a condition it is everybody already.", "find"},

	// Values.
	{"a value with a blank", "find company=Acme Corp title=x", `"Corp" stands alone. A value with blanks needs quotes.`, `find company="Acme Corp" title=x`},
	{"a comma in a text", "find company=Acme,Inc", `There is a comma in "Acme,Inc": quote it if it is one value.`, `find company="Acme,Inc"`},
	{"a comma and a blank in a text", "find company=Acme, Inc", `There is a comma in "Acme,": quote it if it is one value.`, `find company="Acme, Inc"`},
	{"no value", "find company=", `"company" has no value behind it.`, "find company=…"},
	{"P52: an empty value", `find company=""`, "The value of company is empty.", "find company=…"},
	{"an open quote", `find company="Acme`, "A quote is opened and never closed.", `find company="Acme"`},
	{"a word at a quote", `find company="Acme"Inc`, "Something follows a closing quote without a blank.", `find company="Acme"`},
	{"a quote inside", `find company=Ac"me`, `A quote stands in the middle of "Ac"me".`, `find company="Ac\"me"`},
	{"a quote without a sign", `find company"Acme"`, "There is no = before a quote.", `find company="Acme"`},
	{"a wildcard", "find company=Acme*", "There are no wildcards; ~ finds a part of a text.", "find company~Acme"},
	{"two lines in a value", "find company=\"Acme\nInc\"", "The value of company stands on more than one line.", `find company="Acme Inc"`},
	{"a value without end", "find company=" + strings.Repeat("x", 256), "The value of company is longer than 255 characters.", ""},
	{"P41: a character that turns the text", "find company=a\u202eb", "There is an invisible character (U+202E) in the command.", "find company=ab"},
	{"a control character", "find company=a\x07b", "There is an invisible character (U+0007) in the command.", "find company=ab"},
	{"a broken character", "find company=a\xffb", "There is a broken character in the command.", "find company=ab"},
	{"a command without end", "find company=" + strings.Repeat("x", 13000), "The command is too long for me to read.", "help"},

	// Ids.
	{"a word where an id belongs", "find id=Acme", `"Acme" is no number, and id is one.`, "find company=Acme"},
	{"a letter in an id", "find id=12x", `"12x" is no number, and id is one.`, "find id=12"},
	{"an address where an id belongs", "find id=jo@example.com", `"jo@example.com" is no number, and id is one.`, "find emailAddress=jo@example.com"},
	{"a name where a tag's id belongs", "find tags.tag.id=Vendors", `"Vendors" is no number, and tags.tag.id is one.`, "find tags.tag.name=Vendors"},
	{"a part of an id", "find id~7", "id is compared with =; ~ is for texts.", "find id=7"},
	{"ids with blanks", "find id=1 2 3", `"2" stands alone. Commas separate ids, or quotes around them all.`, "find id=1,2,3"},
	{"many ids with blanks", "find id=1 2 3 4 5 6 7 title=x", `"2" stands alone. Commas separate ids, or quotes around them all.`, "find id=1,2,3,4,5,6,7 title=x"},
	{"no id", `find id=","`, "id has no number behind it.", "find id=1"},
	{"too many ids to look at", "find company=Acme id=" + ids301, "These are 301 numbers, and one request takes 300. Ask in parts.", "find company=Acme id=1000,1001,1002"},
	{"too many ids to count", "count id=" + ids301, "These are 301 numbers, and one request takes 300. Ask in parts.", "count id=1000,1001,1002"},
	{"too many tags", "delete reason=x tags.tag.id=" + ids301, "These are 301 numbers, and one request takes 300. Ask in parts.", "delete reason=x tags.tag.id=1000,1001,1002"},
	{"a part of a UUID", "find uuid~d78b", "uuid is compared with =; ~ is for texts.", "find company=Acme"},
	{"no UUID", "find uuid=12", `"12" is no UUID, such as d78bbe2c-`, "find id=12"},

	// Reasons.
	{"no reason", "delete firstName=NewVendor", "I need a reason: it goes to whoever approves.", `delete firstName=NewVendor reason="…"`},
	{"no reason for an update", "update id=1 set title=x", "I need a reason: it goes to whoever approves.", `update id=1 set title=x reason="…"`},
	{"a reason without a sign", "delete id=1 reason SEC-124", "The reason needs a = and quotes.", "delete id=1 reason=SEC-124"},
	{"a reason without quotes", "delete id=1 reason=SEC-124 has left", `"has" stands alone. A value with blanks needs quotes.`, `delete id=1 reason="SEC-124 has left"`},
	{"an empty reason", `delete id=1 reason=""`, "The reason is empty.", `delete id=1 reason="…"`},
	{"two reasons", "delete id=1 reason=a reason=b", "There are two reasons.", "delete id=1 reason=a"},
	{"a reason with ~", "delete id=1 reason~a", "The reason is given with =.", `delete id=1 reason="a"`},
	{"a reason on two lines", "delete id=1 reason=\"a\nb\"", "The reason stands on more than one line.", `delete id=1 reason="a b"`},
	{"a reason without end", "delete id=1 reason=" + strings.Repeat("x", 501), "The reason is longer than 500 characters.", ""},
	{"a reason for a look", "find company=Acme reason=x", "find only reads and needs no reason.", "find company=Acme"},
	{"a near miss of reason", "delete id=1 reson=x", `There is no field called "reson". There are id,`, "delete id=1 reason=x"},

	// Updates and deletes.
	{"P51: a delete without a condition", "delete reason=x", "Which users should I delete?", "delete firstName=NewVendor reason=x"},
	{"P51: delete all", "delete all reason=x", "I never delete everybody. Say which users.", "delete company=NewVendor reason=x"},
	{"P51: an update without a condition", "update set title=x reason=y", "Which users should I update?", "update firstName=NewVendor set title=x reason=y"},
	{"an update with a reason alone", "update reason=y", "Which users should I update, and how?", `update company=NewVendor set lastName="Left" reason=y`},
	{"an update without set", "update company=a title=b reason=x", `What should change? The new values stand behind "set".`, "update company=a set title=b reason=x"},
	{"an update of nothing", "update company=a reason=x", `What should change? The new values stand behind "set".`, `update company=a reason=x set lastName="Left"`},
	{"nothing behind set", "update company=a set reason=x", `"set" has no new value behind it.`, `update company=a set lastName="Left" reason=x`},
	{"set twice", "update id=1 set title=a set company=b reason=x", `"set" stands once, before all new values.`, "update id=1 set title=a company=b reason=x"},
	{"set in a delete", "delete id=1 set title=x reason=y", `"set" belongs to update; delete changes no values.`, "update id=1 set title=x reason=y"},
	{"a part of a new value", "update id=1 set title~x reason=y", `Behind "set" new values are given with =.`, "update id=1 set title=x reason=y"},
	{"two new values", "update id=1 set title=a title=b reason=y", "title gets two new values.", "update id=1 set title=a reason=y"},
	{"P52: an empty new value", `update id=1 set title="" reason=y`, "The new title is empty. To empty a field, write clear.", "update id=1 set title=clear reason=y"},
	{"P52: nothing behind a new value", `update id=1 set title= reason="SEC-1"`, "The new title is empty. To empty a field, write clear.", `update id=1 set title=clear reason="SEC-1"`},
	{"nothing behind reason", "delete reason= id=1", "The reason is empty.", `delete reason="…" id=1`},
	{"nothing behind a setting", "download role= limit=5", "The value of role is empty.", "download limit=5"},
	{"Clear", "update id=1 set title=Clear reason=y", `"Clear" could be a value or empty the field: quote it, or write clear.`, "update id=1 set title=clear reason=y"},
	{"a field that cannot be changed", "update id=1 set userName=x title=y reason=z", "userName cannot be changed, only firstName,", "update id=1 set title=y reason=z"},
	{"a condition behind set", "update set title=y id=1 reason=z", "id cannot be changed, only firstName,", "update firstName=NewVendor set title=y reason=z"},
	{"no address", "update id=1 set email=jo reason=z", `"jo" is no e-mail address.`, "update id=1 set email=name@example.com reason=z"},

	// Downloads.
	{"a field of SAQ users", "download company=Acme", "download shows platform users, and company belongs to SAQ users: use find.", "find company=Acme"},
	{"a setting that is none", "download colour=red", `download has no setting called "colour". There are role,`, "download"},
	{"a near miss of a setting", "download limt=5", `download has no setting called "limt". There are role,`, "download limit=5"},
	{"a setting twice", "download limit=5 limit=6", `"limit" stands twice.`, "download limit=5"},
	{"a setting with ~", "download role~READER", "Settings of a download are given with =.", "download role=READER"},
	{"a setting alone", "download limit", `"limit" needs a = and a value.`, "download"},
	{"an empty setting", `download limit=""`, "The value of limit is empty.", "download"},
	{"no role", `download role=","`, "The value of role is empty.", "download"},
	{"a limit that is no number", "download limit=lots", `"lots" is no number of rows.`, "download"},
	{"a limit of all", "download limit=all", "Without a limit you get everybody.", "download"},
	{"a limit of nothing", "download limit=0", "A limit of 0 is an empty file. Leave it out for everybody.", "download"},
	{"a limit below nothing", "download limit=-5", "A limit cannot be negative.", "download limit=5"},
	{"another order", "download sort=lastName:desc", "Qualys sorts platform users by username only.", "download sort=username:desc"},
	{"an order of nothing", "download sort=desc", "A sort names its column first.", "download sort=username:desc"},
	{"no direction", "download sort=username:down", `"down" is no direction: write asc or desc.`, "download sort=username:desc"},
	{"the time zone of the machine", "download timezone=Local", `I know no time zone "Local".`, "download timezone=Asia/Kolkata"},
	{"UTC in small letters", "download tz=utc", `I know no time zone "utc".`, "download timezone=UTC"},
	{"no time zone", "download timezone=Mars/Olympus", `I know no time zone "Mars/Olympus".`, "download timezone=Asia/Kolkata"},
	{"a time zone in small letters", "download tz=europe/berlin", `I know no time zone "europe/berlin".`, "download timezone=Europe/Berlin"},
	{"another format", "download format=xlsx", "Qualys gives platform users as CSV only.", "download format=csv"},
	{"a reason for a download", "download reason=x", "download only reads and needs no reason.", "download"},
	{"download all", "download all", "Without a setting it is everybody already.", "download"},

	// Requests.
	{"no id of a request", "show", "Which request? Its id stands on the card.", "show K7F3Q"},
	{"id= before the id", "show id=k7f3q", "The id stands alone, without id=.", "show K7F3Q"},
	{"no such id", "show K7F", `"K7F" is no id of a request. They look like K7F3Q.`, "show K7F3Q"},
	{"a nought in an id", "show K7F30", `"K7F30" is no id of a request. They look like K7F3Q.`, "show K7F3O"},
	{"two ids", "cancel K7F3Q K7F3R", `One request at a time; "K7F3R" is too much.`, "cancel K7F3Q"},
	{"a reason to cancel", "cancel K7F3Q reason=x", "cancel needs no reason.", "cancel K7F3Q"},
	{"words behind close", "close K7F3Q checked by hand", "Behind the id of a request only a reason can stand.", `close K7F3Q reason="checked by hand"`},
	{"no id to stop", "stop", "Which request? Its id stands on the card.", "stop K7F3Q"},
	{"a near miss of stop", "stpo K7F3Q", `There is no command called "stpo".`, "stop K7F3Q"},
	{"a near miss of resume", "resum K7F3Q", `There is no command called "resum".`, "resume K7F3Q"},
	{"a button as a command", "approve K7F3Q", "Approve and Reject are buttons on the card.", "show K7F3Q"},
	{"a button, and why", "Reject the request `k7f3q`, reason=x", "Approve and Reject are buttons on the card.", "show K7F3Q"},
	{"a button of nothing", "deny", "Approve and Reject are buttons on the card.", "requests"},
	{"a button of no id", "approve it", "Approve and Reject are buttons on the card.", "requests"},
	{"a near miss of unfreeze", "unfreze", `There is no command called "unfreze".`, "unfreeze"},
	{"a near miss of withdraw", "withdrawn K7F3Q", `There is no command called "withdrawn".`, "withdraw K7F3Q"},
	{"another word for undo", "rollback K7F3Q", `There is no command called "rollback".`, "undo K7F3Q"},
	{"another word for retry", "rerun K7F3Q", `There is no command called "rerun".`, "retry K7F3Q"},
	{"another word for resume", "continue K7F3Q", `There is no command called "continue".`, "resume K7F3Q"},
	{"freeze one request", "freeze K7F3Q", `freeze stands alone; "K7F3Q" is too much.`, "freeze"},
	{"a reason to freeze", "freeze reason=x", `freeze stands alone; "reason=x" is too much.`, "freeze"},
	{"a reason to stop", "stop K7F3Q reason=x", "stop needs no reason.", "stop K7F3Q"},
	{"a reason to resume", "resume K7F3Q reason=x", "resume needs no reason.", "resume K7F3Q"},
	{"words behind retry", "retry K7F3Q once more", "Behind the id of a request only a reason can stand.", `retry K7F3Q reason="once more"`},
	{"two ids to undo", "undo K7F3Q K7F3R", "Behind the id of a request only a reason can stand.", `undo K7F3Q reason="K7F3R"`},
	{"an empty reason to undo", `undo K7F3Q reason=""`, "The reason is empty.", `undo K7F3Q reason="…"`},
	{"more behind close", "close K7F3Q reason=x y", `"y" stands alone. A value with blanks needs quotes.`, `close K7F3Q reason="x y"`},
	{"another list", "requests closed", `I can list the requests that are open, mine or all, not "closed".`, "requests"},
	{"a near miss of a list", "requests opne", `I can list the requests that are open, mine or all, not "opne".`, "requests open"},
	{"two lists", "requests open mine", "requests takes one word: open, mine or all.", "requests open"},
	{"an id behind requests", "requests K7F3Q", `"K7F3Q" looks like the id of a request: use show.`, "show K7F3Q"},
}

func TestEveryMistakeHasAProblemAndAHintThatIsUnderstood(t *testing.T) {
	problems := map[string]bool{}
	for _, tt := range misunderstood {
		t.Run(tt.name, func(t *testing.T) {
			_, err := commands.Parse(tt.text)
			usage := new(commands.UsageError)
			require.ErrorAs(t, err, &usage, "Parse(%q)", tt.text)
			assert.True(t, strings.HasPrefix(usage.Problem, tt.problem), "Parse(%q): problem\n%q, want\n%q", tt.text, usage.Problem, tt.problem)
			problems[usage.Problem] = true

			hint, whole := strings.CutPrefix(usage.Hint, grammar.Command+" ")
			require.True(t, whole, "the hint %q is no whole command", usage.Hint)
			if tt.hint != "" {
				assert.Equal(t, tt.hint, hint, "Parse(%q): hint", tt.text)
			}
			r, err := commands.Parse(hint)
			require.NoError(t, err, "the hint is not understood")
			assert.False(t, r.Bare(), "the hint only opens a form")
			assert.NotContains(t, usage.Problem, "!")
		})
	}
	assert.GreaterOrEqual(t, len(misunderstood), 60, "bad inputs")
	assert.GreaterOrEqual(t, len(problems), 40, "distinct problems")
}

func TestALineOfThreeHundredIdsFits(t *testing.T) {
	text := strings.Join(strings.Split(ids301, ",")[:300], " ")
	r, err := commands.Parse(`delete id="` + text + `" reason=x`)
	require.NoError(t, err)
	assert.Len(t, r.Filter[0].Values, 300)
}

// What was parsed can be written again and means the same; what was not
// understood gets a hint that is.
func FuzzParse(f *testing.F) {
	for _, tt := range understood {
		f.Add(tt.text)
	}
	for _, tt := range misunderstood {
		if len(tt.text) < 1000 {
			f.Add(tt.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := commands.Parse(text)
		if err != nil {
			usage := new(commands.UsageError)
			require.ErrorAs(t, err, &usage)
			require.NotEmpty(t, usage.Problem)
			_, err = commands.Parse(strings.TrimPrefix(usage.Hint, grammar.Command))
			require.NoError(t, err, "hint %q", usage.Hint)
			return
		}
		again, err := commands.Parse(r.String())
		require.NoError(t, err, "written again: %q", r.String())
		require.Equal(t, r, again, "written again: %q", r.String())
		require.NoError(t, r.Filter.Validate(), "what is parsed can be asked")
		for _, s := range r.Set {
			require.Contains(t, qualys.Writable, s.Field)
		}
	})
}

func ExampleParse() {
	r, err := commands.Parse(`find company~Acme tags.tag.name="Vendors"`)
	fmt.Println(r, err)
	_, err = commands.Parse("find company=Acme Corp")
	fmt.Println(err)
	// Output:
	// find company~Acme tags.tag.name=Vendors <nil>
	// "Corp" stands alone. A value with blanks needs quotes. Try: /qualys-users find company="Acme Corp"
}

func ExampleUsageError() {
	_, err := commands.Parse("delete firstName=NewVendor")
	fmt.Println(err.(*commands.UsageError).Problem)
	fmt.Println(err.(*commands.UsageError).Hint)
	// Output:
	// I need a reason: it goes to whoever approves.
	// /qualys-users delete firstName=NewVendor reason="…"
}
