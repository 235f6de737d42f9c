// Package download fetches Qualys' platform users page by page, and writes them
// as one CSV.
//
// [Downloader.Run] does all of it; package sheet reads the pages and writes the
// table, package wire makes the calls. What comes out is never silently short:
// [Result].Complete says whether it is provably all that was asked for.
//
// # Calls
//
// Calls are scarce (300 an hour in a standard subscription). Qualys gives at
// most 1000 rows in one, so n users take ⌈n/1000⌉ calls. Page 1 tells the total,
// and with it the plan, its cost and an estimate of the time ([WithProgress]);
// from then on two pages are under way at a time, and written in order.
//
// A server that sends other than what page 1 was asked for (it caps pages,
// ignores the limit, keeps the total to itself) is asked for one page after
// the other, until the total is reached, a page is empty, or nobody new came
// (it ignores the offset). Where the total is unknown that takes one call more.
//
// # Roles
//
// Nothing says what a list of roles means to Qualys: users who hold one of them,
// all of them, or a role by that whole name. We mean at least one. So the first
// list in a process is measured: the total of the list against the totals of
// its roles, a row each. If these do not prove our reading, and for a role with
// a comma in its name, everybody is downloaded and judged here.
//
// Source: https://cdn2.qualys.com/docs/version/LCR/adminui-api/users/download_users_csv.htm
package download
