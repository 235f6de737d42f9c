# What people run by hand. CI runs .ci/run, which is "make check" after
# installing what is missing.

.PHONY: check test demo bench screenshots first-card sim kill kill-shipped build update vuln

check: ## gofmt, vet, staticcheck, both programs, and all tests with -race
	.ci/run check

test: ## what README.md says; a missing redis-server skips its tests
	go test ./...

demo: ## the whole house on a laptop, no tokens
	go run ./cmd/demo

bench: ## ratios to a floor of the same run, median of 7 alternating rounds
	go test -c -o bin/qualys.bench ./qualys
	cd qualys && for r in 1 2 3 4 5 6 7; do ../bin/qualys.bench -test.run '^$$' -test.bench . -test.benchtime 1x; done | awk -f testdata/ratios.awk
	go test -c -o bin/approvals.bench ./approvals
	cd approvals && for r in 1 2 3 4 5 6 7; do ../bin/approvals.bench -test.run '^$$' -test.bench . -test.benchtime 1x; done | awk -f testdata/ratios.awk

screenshots: ## pictures of the demo's page, into docs/pictures
	go test ./cmd/demo/page -count=1 -run TestPictures -screenshots $(CURDIR)/docs/pictures

first-card: ## from a clone to the first card, warm and cold
	go test ./cmd/demo/page -run '^TestFirstCard$$' -first-card -count=1 -timeout 30m -v

sim: ## ten thousand schedules of the simulation
	go test ./internal/simulation -run '^TestSimulation$$' -schedules 10000 -timeout 1h -v

kill: ## a thousand kills of real processes
	go test ./internal/app -run '^TestKills$$' -kills 1000 -timeout 3h -v

kill-shipped: ## three kills with the lease and settle times that people run
	go test ./internal/app -run '^TestKills$$' -kills 3 -shipped -timeout 30m -v

build: ## bot and demo, into bin/
	go build -o bin/ ./cmd/bot ./cmd/demo

update: ## writes the golden files anew; read the diff
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n 1 dirname | sort -u) -update

vuln: ## known holes in what we import; asks the database of the Go project
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...
