package page

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"countersign/internal/miniqualys"
)

// users shows who is in the simulated Qualys.
type users struct{ qualys *miniqualys.Server }

// What /qualys shows of somebody.
type (
	userRow struct {
		ID      string `json:"id"` // of a platform user: the username
		Login   string `json:"login"`
		Name    string `json:"name"`
		Email   string `json:"email"`
		Company string `json:"company"` // of a platform user: the roles
		Title   string `json:"title"`
		Tags    string `json:"tags"`
	}
	userList struct {
		SAQ      int       `json:"saq"`
		Platform int       `json:"platform"`
		Deletes  int       `json:"deletes"` // users a delete call removed
		Updates  int       `json:"updates"`
		Users    []userRow `json:"users"`
	}
)

// send answers with the users of one population.
func (u users) send(w http.ResponseWriter, r *http.Request) {
	state := u.qualys.State()
	list := userList{SAQ: state.SAQUsers, Platform: state.PlatformUsers, Deletes: len(state.Deletes), Updates: len(state.Updates), Users: []userRow{}}
	if r.URL.Query().Get("of") == "platform" {
		for p := range u.qualys.PlatformUsers() {
			list.Users = append(list.Users, userRow{
				ID: p.Username, Login: p.Username, Name: p.FirstName + " " + p.LastName, Email: p.Email,
				Company: strings.Join(p.Roles, ", "), Title: p.Status, Tags: strings.Join(p.Tags, ", "),
			})
		}
	} else {
		for _, s := range u.qualys.SAQUsers() {
			var tags []string
			for _, t := range s.Tags {
				tags = append(tags, t.Name)
			}
			list.Users = append(list.Users, userRow{
				ID: strconv.FormatInt(s.ID, 10), Login: s.UserName, Name: s.FirstName + " " + s.LastName,
				Email: s.EmailAddress, Company: s.Company, Title: s.Title, Tags: strings.Join(tags, ", "),
			})
		}
	}
	send(w, list)
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the page went away, or there it is
}
