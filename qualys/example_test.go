package qualys_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"time"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// exampleServer is a small Qualys with three SAQ users of one vendor.
func exampleServer() (*qualys.Client, func()) {
	api := miniqualys.New()
	for i, name := range []string{"Ada", "Grace", "Mary"} {
		api.SetSAQUser(miniqualys.SAQUser{ID: int64(101 + i), FirstName: name, Company: "Acme"})
	}
	api.AddPlatformUser(miniqualys.PlatformUser{Username: "quays_ab1", FirstName: "=1+1", Roles: []string{"READER"}, Status: "ACTIVE"})
	srv := httptest.NewServer(api)
	c, err := qualys.New(qualys.Config{
		APIURL: srv.URL, GatewayURL: srv.URL,
		Username: miniqualys.Username, Password: miniqualys.Password,
	})
	if err != nil {
		panic(err)
	}
	return c, srv.Close
}

func ExampleClient_Search() {
	c, stop := exampleServer()
	defer stop()

	acme := qualys.Filter{{Field: qualys.Company, Operator: qualys.Contains, Values: []string{"acm"}}}
	n, err := c.Count(context.Background(), acme)
	fmt.Println(n, err)
	var users []qualys.SAQUser
	for u, err := range c.Search(context.Background(), acme) {
		if err != nil {
			fmt.Println(err)
			return
		}
		users = append(users, u)
	}
	qualys.SortSAQUsers(users)
	for _, u := range users {
		fmt.Println(u.ID, u.FirstName)
	}
	// Output:
	// 3 <nil>
	// 101 Ada
	// 102 Grace
	// 103 Mary
}

// A write names ids, and what it returns is a claim: Find shows what happened.
func ExampleClient_Delete() {
	c, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	ids := []qualys.SAQUserID{101, 102}
	if _, err := c.Delete(ctx, ids); errors.Is(err, qualys.ErrUnknownOutcome) {
		var e *qualys.Error
		errors.As(err, &e)
		time.Sleep(e.Settle())
	} else if err != nil {
		fmt.Println("nothing was done:", err)
		return
	}
	left, err := c.Find(ctx, ids)
	fmt.Println(len(left), "of", len(ids), "are left", err)
	// Output: 0 of 2 are left <nil>
}

func ExampleClient_Download() {
	c, stop := exampleServer()
	defer stop()

	var file strings.Builder
	d, err := c.Download(context.Background(), qualys.DownloadQuery{Roles: []string{"reader"}}, &file)
	fmt.Print(strings.ReplaceAll(file.String(), "\r\n", "\n"))
	fmt.Println(d.Rows, "of", d.Total, d.ByStatus, d.Complete, err)
	// Output:
	// USERNAME,First Name,Last Name,Email Address,MODULE,Roles,Tags,STATUS,External ID,Super User,SAML Status
	// quays_ab1,'=1+1,,,[],[READER],[],ACTIVE,,false,false
	// 1 of 1 [{ACTIVE 1}] true <nil>
}

func ExampleNeutralise() {
	for _, cell := range []string{"Ada", "=1+1", "-", "'quoted"} {
		safe := qualys.Neutralise(cell)
		fmt.Println(safe, qualys.Restore(safe) == cell)
	}
	// Output:
	// Ada true
	// '=1+1 true
	// - true
	// ''quoted true
}

func ExamplePlatform() {
	api, gateway, _ := qualys.Platform("eu1")
	fmt.Println(api, gateway)
	// Output: https://qualysapi.qualys.eu https://gateway.qg1.apps.qualys.eu
}

func ExampleError() {
	err := error(&qualys.Error{Op: "delete/saq/user", Status: 409, RetryAfter: 12 * time.Second})
	fmt.Println(errors.Is(err, qualys.ErrRateLimited), errors.Is(err, qualys.ErrUnknownOutcome))

	err = &qualys.Error{Op: "delete/saq/user", Status: 502, Message: "Bad Gateway", Fate: qualys.Answered}
	fmt.Println(errors.Is(err, qualys.ErrUnknownOutcome), err)
	// Output:
	// true false
	// true delete/saq/user: HTTP 502: Bad Gateway: perhaps done (answered)
}

// The plan is known after page 1, before the next call is made.
func ExampleWithProgress() {
	api := miniqualys.New()
	api.AddPlatformUsers(2500)
	srv := httptest.NewServer(api)
	defer srv.Close()
	c, err := qualys.New(qualys.Config{
		APIURL: srv.URL, GatewayURL: srv.URL,
		Username: miniqualys.Username, Password: miniqualys.Password,
	})
	if err != nil {
		panic(err)
	}
	first := true
	ctx := qualys.WithProgress(context.Background(), func(p qualys.Progress) {
		if first {
			fmt.Println(p.Total, "users,", p.Plan, "calls,", p.Plan-p.Calls, "of them still to come")
		}
		first = false
	})
	d, err := c.Download(ctx, qualys.DownloadQuery{}, io.Discard)
	fmt.Println(d.Rows, "users in", d.Calls, "calls", err)
	// Output:
	// 2500 users, 3 calls, 2 of them still to come
	// 2500 users in 3 calls <nil>
}
