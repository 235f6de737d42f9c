package miniqualys_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"countersign/internal/miniqualys"
)

// Forty-nine users of a vendor are deleted, and the answer is lost on its way.
func ExampleServer_LoseAnswers() {
	api := miniqualys.NewInMemory()
	defer api.Close()
	api.Example()
	api.LoseAnswers(miniqualys.Delete, 1)

	body := `<ServiceRequest><filters><Criteria field="firstName" operator="EQUALS">NewVendor</Criteria></filters></ServiceRequest>`
	req, err := http.NewRequest("POST", api.URL()+"/qps/rest/1.0/delete/saq/user", strings.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Content-Type", "text/xml")
	req.SetBasicAuth(miniqualys.Username, miniqualys.Password)
	client := &http.Client{Transport: &http.Transport{DialContext: api.Dial}}
	res, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	fmt.Println(err)
	fmt.Println(len(api.SAQUsers()), "left,", api.Wild(), "write without ids")
	// Output:
	// Post "http://127.0.0.1:2/qps/rest/1.0/delete/saq/user": EOF
	// 1151 left, 1 write without ids
}
