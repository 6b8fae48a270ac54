# Everything that is done to this repository is a target here; `make help` lists them.
# A body that needs more than a few lines is a script below scripts/ or a Go program.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# Any Go from 1.21 fetches the version that go.work names. "local", which distributions and images set, would
# refuse to build with an older one; with a newer one "auto" changes nothing.
export GOTOOLCHAIN := $(patsubst local,auto,$(or $(GOTOOLCHAIN),auto))

MODULES := rpc pkg services integration
PACKAGES := $(MODULES:%=./%/...)
GO_TEST := go test -race -shuffle=on -count=1
MESH := .bin/grainmesh

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### A mesh on this machine

.PHONY: up
up: file setup web build ## Start everything and ingest FILE= or a sample (LISTEN= sets the address)
	@$(MESH) up $(if $(LISTEN),--listen "$(LISTEN)") $(if $(FILE),--file "$(FILE)")

.PHONY: file
file:
	@test -z "$(FILE)" || test -r "$(FILE)" || { echo "there is no file $(FILE) to ingest" >&2; exit 2; }

.PHONY: down status logs reset
down: | $(MESH) ## Stop it; its data stays
status: | $(MESH) ## Say what runs, where, and how it is
logs: | $(MESH) ## Follow its log
reset: | $(MESH) ## Stop it and delete its data
down status logs reset:
	@$(MESH) $@

##### Building

.PHONY: setup
setup: ## Install what `make up` needs and this machine lacks
	@scripts/setup.sh run

.PHONY: build
build: ## Build .bin/grainmesh, with the portal as last built
	@go build -o $(MESH) ./services/grainmesh/cmd

$(MESH):
	@$(MAKE) --no-print-directory build

.PHONY: web
web: ## Build the portal's pages, where their sources changed
	@scripts/web.sh build

.PHONY: dev
dev: ## Serve the portal with hot reload against a running mesh
	@scripts/web.sh dev

.PHONY: compose
compose: build ## Make the keys and passwords of compose/
	@scripts/compose.sh

##### Tools, each in a module of its own: in the workspace their dependencies would move ours

TOOLS := .bin/tools
$(TOOLS)/%: integration/tools/%/go.mod integration/tools/%/go.sum
	@echo "building $* (once)"
	@cd $(<D) && GOWORK=off GOBIN=$(CURDIR)/.bin go install tool
	@mkdir -p $(@D) && touch $@

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen ## Generate code from the .proto files
	@scripts/generate.sh

##### Checking

.PHONY: test
test: ## The gate: setup, lint, verify, race run, short bench, short faults
	@scripts/test.sh

.PHONY: unit
unit: ## Test rpc, pkg and services
	$(GO_TEST) ./rpc/... ./pkg/... ./services/...

.PHONY: system
system: ## Test the whole system
	$(GO_TEST) ./integration/...

.PHONY: browser
browser: ## Test the portal in headless Chromium
	$(GO_TEST) -v ./integration/browser/...

.PHONY: race
race: ## Every test of every module but the faults, in one run
	@scripts/race.sh $(GO_TEST) $$(go list $(PACKAGES) | grep -v /integration/faults)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Lint every module
	.bin/golangci-lint run $(PACKAGES)

.PHONY: verify
verify: $(TOOLS)/buf $(TOOLS)/protoc-gen ## Fail if generating, formatting or tidying would change the tree
	@MODULES="$(MODULES)" scripts/verify.sh

.PHONY: tidy
tidy: ## Format the code and tidy every module
	"$$(go env GOROOT)/bin/gofmt" -w $(MODULES)
	for module in $(MODULES); do (cd $$module && GOWORK=off go mod tidy) || exit; done
	rm -f go.work.sum && go list -m all >/dev/null

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME= (30s), one after the other
	@scripts/fuzz.sh "$(or $(FUZZTIME),30s)"

.PHONY: windows
windows: ## Take every window of every kind of GOP, in a few minutes; the gate takes those that differ in kind
	GRAINMESH_WINDOWS_ALL=1 $(GO_TEST) ./integration/windows/...

bench-%: ## Run one benchmark of integration/bench; bench-short runs all, briefly
	go run ./integration/bench/$*

.PHONY: bench-short
bench-short:
	@scripts/bench-short.sh

fault-%: ## Run the fault tests named so, N= times each; fault-short runs all, briefly
	GRAINMESH_FAULT_N=$(or $(N),1) $(GO_TEST) -v -run '(?i)$*' ./integration/faults/...

.PHONY: fault-short
fault-short:
	$(if $(wildcard integration/faults),$(GO_TEST) -short ./integration/faults/...,@echo "there are no fault tests")
