# Everything that is done to this repository is a target here; `make help` lists them.
# A body that needs more than a few lines is a script below scripts/ or a Go program.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Any Go from 1.21 fetches the version that go.work names. "local", which distributions and images set, would
# refuse to build with an older one; with a newer one "auto" changes nothing.
export GOTOOLCHAIN := $(patsubst local,auto,$(or $(GOTOOLCHAIN),auto))

MODULES := rpc pkg services integration

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Each tool lives in a module of its own, because a workspace would let its dependencies move ours.
# It is built again only when that module changed.
TOOLS := .bin/tools
$(TOOLS)/%: integration/tools/%/go.mod integration/tools/%/go.sum
	@echo "building $* (once)"
	@cd $(<D) && GOWORK=off GOBIN=$(CURDIR)/.bin go install tool
	@mkdir -p $(@D) && touch $@

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen ## Generate code from the .proto files
	scripts/generate.sh
