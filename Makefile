# Everything is ordinary Go: go build ./..., go test ./... . These are shorthands.

GO ?= go
# Time for one package's tests; continuous integration has 90 minutes in all.
TEST_TIMEOUT ?= 60m

.PHONY: help build test race lint bench gen

help: ## Print this list.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

build: ## Build bin/causeway, static and small.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/causeway ./cmd/causeway

test: ## Install what the tests need, then vet and test everything, with the race detector.
	./hack/test-deps.sh
	tags=$$(./hack/host-tag.sh) && $(GO) vet -tags "$$tags" ./... && $(GO) test -race -tags "$$tags" -timeout $(TEST_TIMEOUT) ./...

race: ## Run the fast tests again and again, in random order.
	$(GO) test -race -count 5 -shuffle on -timeout $(TEST_TIMEOUT) ./internal/...

lint: ## Check the format, vet, and run golangci-lint if it is there.
	@out=$$(gofmt -l .); test -z "$$out" || { echo "not formatted by gofmt:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; \
	else echo "WARNING: golangci-lint is not installed; its checks were NOT made" >&2; fi

bench: ## Measure the program beside its peers (as root, which installs them), and then its parts.
	./hack/bench-deps.sh
	$(GO) run ./bench
	$(GO) test -run '^$$' -bench . -benchmem -timeout $(TEST_TIMEOUT) ./...

gen: ## Write the generated files anew.
	for script in hack/gen-*.sh; do sh $$script || exit 1; done
