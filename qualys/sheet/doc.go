// Package sheet turns the pages of a Qualys download into one clean CSV of
// platform users, and counts them.
//
// A [Table] does all of it: [Table.Add] takes the pages as they come,
// [Table.Close] ends the file and [Table.Counts] says what is in it. It talks to
// nobody; package qualys fetches the pages.
//
// # What comes in
//
// A page is a preamble, a header and rows:
//
//	"Note: User download is having limit of 1000 records. Try Using pagination API."
//	"User Data","2025-02-25T12:23:24.062+05:30","87"     when, and how many match
//	"Acme","California","USA","205656"
//	"John Doe","quays_wy40"
//	"USERNAME","First Name",…
//	"quays_wa93","John",…
//
// Any line of the preamble may be missing, columns may come in any order and
// be new, and a BOM, CRLF, doubled quotes and line breaks in cells are read. A
// row that is not as wide as its header is an error that names its line.
//
// # What goes out
//
// RFC 4180 in UTF-8: the header of the first page, one row a user, cells as
// Qualys gave them (lists included), formulas neutralised so that
// [Restore] gives back what came in. Rows pass through: what stays in memory
// is a hash of each username, 8 bytes, to find duplicates.
//
// Source: https://cdn2.qualys.com/docs/version/LCR/adminui-api/users/download_users_csv.htm
package sheet
