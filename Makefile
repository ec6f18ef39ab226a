# What to run while working on Casus. Needs Go and git; the tools are pinned in
# tools/go.mod and built by Go itself.

export GOTOOLCHAIN := auto
export CGO_ENABLED ?= 0

TOOL      := go tool -modfile=tools/go.mod
GOFILES    = $(shell git ls-files -co --exclude-standard '*.go')
FUZZTIME  ?= 30s
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS   := -s -w

.PHONY: check build test race fuzz bench conformance lint gen demo cover doc release fmt

check: ## formatting, vet, lint, house tests and short tests: under a minute when warm
	@out=$$($(TOOL) gofumpt -l $(GOFILES)); if [ -n "$$out" ]; then echo "not formatted (make fmt):"; echo "$$out"; exit 1; fi
	go vet ./...
	$(TOOL) staticcheck ./...
	go test ./internal/house
	go test -short ./...

fmt: ## format what is not
	$(TOOL) gofumpt -l -w $(GOFILES)

build: ## static bin/casus
	go build -trimpath -ldflags "$(LDFLAGS)" -o bin/casus ./cmd/casus

test: ## all tests in random order
	go test -shuffle=on ./...

race: ## all tests under the race detector; needs a C compiler
	CGO_ENABLED=1 go test -race -shuffle=on ./...

fuzz: ## every fuzz target in turn, FUZZTIME each
	@set -e; for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

bench: ## benchmarks, kept in tmp/bench-*.txt for benchstat
	@mkdir -p tmp
	go test -run '^$$' -bench . -benchmem -count 6 ./... | tee tmp/bench-$(VERSION).txt
	$(TOOL) benchstat tmp/bench-*.txt

conformance: ## vectors of others, from CASUS_CONFORMANCE (default ../shared/conformance)
	go test -count=1 -run '^TestConformance' -v ./... | grep -vE '^(=== |ok .*no tests to run|\?)'

lint: ## golangci-lint, staticcheck and, with CASUS_VULNDB=DIR or URL, govulncheck
	$(TOOL) golangci-lint run ./...
	$(TOOL) staticcheck ./...
	@if [ -n "$$CASUS_VULNDB" ]; then $(TOOL) govulncheck -db "$$CASUS_VULNDB" ./...; \
	else echo "govulncheck skipped: name a vulnerability database in CASUS_VULNDB"; fi

gen: ## generated files
	go generate ./...

demo: ## the story, on loopback
	go run ./cmd/casus demo

cover: ## coverage by package
	@mkdir -p tmp
	go test -coverprofile=tmp/cover.out ./... | sort -k5 -n
	go tool cover -func=tmp/cover.out | tail -n 1

doc: ## cmd/casus/doc.go from the help texts
	go test ./internal/house -run 'TestHelp$$' -update

release: ## reproducible archives in bin/release
	@rm -rf bin/release; mkdir -p bin/release
	@set -e; for target in linux/amd64 linux/arm64 darwin/arm64 windows/amd64; do \
	  os=$${target%/*}; arch=$${target#*/}; ext=; [ $$os = windows ] && ext=.exe; \
	  dir=bin/release/casus-$(VERSION)-$$os-$$arch; mkdir -p $$dir; \
	  GOOS=$$os GOARCH=$$arch go build -trimpath -buildvcs=false -ldflags "$(LDFLAGS) -buildid=" -o $$dir/casus$$ext ./cmd/casus; \
	  cp LICENSE README.md CHANGELOG.md $$dir; \
	  tar --sort=name --mtime='1970-01-01 00:00Z' --owner=0 --group=0 --numeric-owner -C bin/release -cf - $$(basename $$dir) | gzip -n > $$dir.tar.gz; \
	  rm -r $$dir; \
	done; cd bin/release && sha256sum *.tar.gz | tee SHA256SUMS
