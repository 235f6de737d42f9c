package qualys

import "strings"

// platforms is Qualys' list of its platforms ("PODs"): the API server, which
// serves /qps, and the gateway, which serves /auth and /adminui. A gateway
// cannot be derived from its API server: US1 and EU1 do not follow the rule.
//
// Source: https://www.qualys.com/platform-identification/
var platforms = map[string]struct{ api, gateway string }{
	"US1":  {"qualysapi.qualys.com", "gateway.qg1.apps.qualys.com"},
	"US2":  {"qualysapi.qg2.apps.qualys.com", "gateway.qg2.apps.qualys.com"},
	"US3":  {"qualysapi.qg3.apps.qualys.com", "gateway.qg3.apps.qualys.com"},
	"US4":  {"qualysapi.qg4.apps.qualys.com", "gateway.qg4.apps.qualys.com"},
	"EU1":  {"qualysapi.qualys.eu", "gateway.qg1.apps.qualys.eu"},
	"EU2":  {"qualysapi.qg2.apps.qualys.eu", "gateway.qg2.apps.qualys.eu"},
	"EU3":  {"qualysapi.qg3.apps.qualys.it", "gateway.qg3.apps.qualys.it"},
	"IN1":  {"qualysapi.qg1.apps.qualys.in", "gateway.qg1.apps.qualys.in"},
	"CA1":  {"qualysapi.qg1.apps.qualys.ca", "gateway.qg1.apps.qualys.ca"},
	"AE1":  {"qualysapi.qg1.apps.qualys.ae", "gateway.qg1.apps.qualys.ae"},
	"UK1":  {"qualysapi.qg1.apps.qualys.co.uk", "gateway.qg1.apps.qualys.co.uk"},
	"AU1":  {"qualysapi.qg1.apps.qualys.com.au", "gateway.qg1.apps.qualys.com.au"},
	"KSA1": {"qualysapi.qg1.apps.qualysksa.com", "gateway.qg1.apps.qualysksa.com"},
}

// Platform returns the two base URLs of a platform such as "US1", "EU2" or
// "KSA1", whatever the case. A subscription that is in none of them (a private
// platform, GOV1) needs its URLs spelled out.
func Platform(code string) (api, gateway string, ok bool) {
	p, ok := platforms[strings.ToUpper(strings.TrimSpace(code))]
	if !ok {
		return "", "", false
	}
	return "https://" + p.api, "https://" + p.gateway, true
}
