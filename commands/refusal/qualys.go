package refusal

import (
	"errors"
	"strings"
	"time"

	"countersign/commands/grammar"
	"countersign/commands/words"
	"countersign/qualys"
)

// ofQualys has the words for calls that Qualys refused or did not answer.
func ofQualys(err error) (Words, bool) {
	said := ""
	wait := time.Duration(0)
	if e, ok := errors.AsType[*qualys.Error](err); ok {
		words := []string{e.Code, e.Message, e.Resolution}
		if errors.Is(err, qualys.ErrCredentials) || errors.Is(err, qualys.ErrNotEnabled) {
			words = words[:2] // the client puts its own advice there, which Qualys did not say
		}
		said = strings.Trim(strings.Join(words, " "), " ")
		wait = e.RetryAfter
	}
	again := "Try again in a moment."
	if wait > 0 {
		again = "Try again in " + words.Lasts(wait) + "."
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{qualys.ErrIgnoredCriteria, "Qualys returned somebody who does not fit the conditions, so I trust nothing of its answer. No user was touched.", "Tell whoever runs Countersign; the log has the details."},
		{qualys.ErrIncomplete, "Qualys' answer is provably not complete, so I did not use it.", again},
		{qualys.ErrNotEnabled, "Qualys does not offer the Administration API to this subscription.", "Whoever runs Countersign can ask Qualys support for it."},
		{qualys.ErrCredentials, "Qualys refuses my login.", "Whoever runs Countersign has to look at QUALYS_USERNAME and QUALYS_PASSWORD. Until then I do not try them again, so that the account is not locked."},
		{qualys.ErrPermission, "My Qualys login is fine, but its rights are not enough for this.", "Whoever runs Countersign can give it API access and the questionnaire module."},
		{qualys.ErrRateLimited, "Qualys is busy and turned me away.", again},
		{qualys.ErrUnreachable, "Qualys did not answer.", again},
		{qualys.ErrNotFound, "Qualys has no such service at this address.", "Whoever runs Countersign can look at QUALYS_PLATFORM and the URLs."},
		{qualys.ErrInvalidRequest, "Qualys did not understand what I asked.", "Tell whoever runs Countersign; the log has the details."},
	} {
		if errors.Is(err, known.err) {
			return Words{Text: known.text + quoteQualys(said), Hint: known.hint}, true
		}
	}
	if is[*qualys.Error](err) {
		return Words{Text: "Qualys answered with an error." + quoteQualys(said), Hint: again}, true
	}
	return Words{}, false
}

// quoteQualys quotes what Qualys said, if anything.
func quoteQualys(said string) string {
	if said = strings.TrimRight(grammar.OneLine(said, 200), "."); said == "" {
		return ""
	}
	return " It said: " + words.Code(said) + "."
}
