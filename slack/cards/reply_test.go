package cards_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/commands"
	"countersign/slack/cards"
)

// sections are the mrkdwn texts of a reply.
func sections(m cards.Message) []string {
	var texts []string
	for _, b := range m.Blocks {
		if s, ok := b.(*slack.SectionBlock); ok {
			texts = append(texts, s.Text.Text)
		}
	}
	return texts
}

func TestALongReplyIsPartedAtLineEnds(t *testing.T) {
	var lines []string
	for n := range 100 {
		lines = append(lines, fmt.Sprintf("%3d %s", n, strings.Repeat("a", 90)))
	}
	m := cards.Reply(strings.Join(lines, "\n"), "What to do.")
	withinLimits(t, m)
	texts := sections(m)
	require.Len(t, texts, 4)
	require.True(t, strings.TrimSpace(strings.Join(lines, "\n")) == strings.Join(texts, "\n"), "something is lost")
	require.True(t, strings.HasSuffix(m.Text, "…"), "the text of the message is shorter and says so")
}

func TestAReplyThatIsTooLongSaysSo(t *testing.T) {
	m := cards.Reply(strings.Repeat("word ", 5000), "")
	withinLimits(t, m)
	texts := sections(m)
	require.True(t, strings.HasSuffix(texts[len(texts)-1], "\n…"))
}

func TestAFenceIsClosedAtTheEndOfEachSection(t *testing.T) {
	table := "Users:\n```\n" + strings.Repeat("a line of a table\n", 300) + "```\nThat is all."
	m := cards.Reply(table, "")
	withinLimits(t, m)
	texts := sections(m)
	require.Greater(t, len(texts), 1)
	for _, text := range texts {
		assert.Zero(t, strings.Count(text, "```")%2, "%.60q… has an open fence", text)
	}
}

func TestAReplyIsNotCutInsideAMention(t *testing.T) {
	text := strings.Repeat("a", 2895) + "<@U0BOB> approved."
	texts := sections(cards.Reply(text, ""))
	require.Equal(t, []string{strings.Repeat("a", 2895), "<@U0BOB> approved."}, texts)
}

func TestAnEntryIsExactlyItsSentence(t *testing.T) {
	sentence := `U0BOB approved K7F3Q & "R&D <!channel>".`
	m := cards.Entry(sentence, "#128 9f3ac1 ← 77b0de")
	withinLimits(t, m)
	block := m.Blocks[0].(*slack.SectionBlock)
	require.Equal(t, slack.NewTextBlockObject("plain_text", sentence, false, false), block.Text)
	require.Equal(t, `U0BOB approved K7F3Q &amp; "R&amp;D &lt;!channel&gt;".`, m.Text)
}

func TestALineIsCutWithoutBreakingIt(t *testing.T) {
	line := commands.Line{{Text: "a&b "}, {Person: alice}, {Text: " at "}, {Time: until}, {Text: ", the end"}}
	whole := cards.Text(line, 500)
	require.Equal(t, "a&amp;b <@U0ALICE> at <!date^1795284000^{date_short_pretty} at {time}|2026-11-21 18:00 UTC>, the end", whole)
	for most := 1; most < 120; most++ {
		text := cards.Text(line, most)
		require.LessOrEqual(t, len([]rune(text)), most)
		if text != whole {
			require.True(t, strings.HasSuffix(text, "…"), "Text(line, %d) = %q", most, text)
			require.Equal(t, strings.Count(text, "<"), strings.Count(text, ">"), "Text(line, %d) = %q", most, text)
			require.NotRegexp(t, `&(a|am|amp)?…$`, text)
		}
	}
}
