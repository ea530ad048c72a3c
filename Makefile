# Pollard: build, test, demonstrate, measure. `make` alone lists the targets.
#
# Needs Node.js >= 20.18.1 with its npm; the end-to-end tests need Debian and root beside it, see
# .ci/install-engines.sh. Every step leaves a stamp and is done again only when something it reads has changed.

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# As in package.json (engines): what undici 7 needs.
oldest_node := 20.18.1

# The stamps and the caches of lint and types go where `npm ci` wipes them: another set of packages proves nothing
# about the old verdict.
stamps := node_modules/.cache/pollard
installed := node_modules/.package-lock.json
built := dist/bin/pollard.js

sources := $(shell find src bin -name '*.ts' 2>/dev/null)
build_settings := .esbuild.mjs tsconfig.json package.json
# All that lint, format and types look at: the whole repository but what is made, fetched or measured.
checked := $(shell find . \( -path ./.git -o -path ./node_modules -o -path ./dist -o -path ./coverage \
  -o -path ./.engines -o -path ./.pollard -o -path ./__tests__/bench/results \) -prune -o -type f -print)

# `make demo SECONDS=20` becomes `--seconds 20`; a variable that is not given becomes nothing.
option = $(if $($(1)),--$(2) $($(1)))

.PHONY: help
help: ## list the targets (default)
	@echo 'make TARGET [NAME=value ...]'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r target what; do printf '  %-10s %s\n' "$$target" "$$what"; done

.PHONY: demo
demo: $(built) ## collect for a while, live, and reconcile. SECONDS=20; LOKI_URL, DOCKER_HOST are used if they answer
	@node dist/bin/pollard.js demo $(call option,SECONDS,seconds)

.PHONY: test
test: $(built) engines promtool ## what CI runs: lint, types, unit and integration tests, end-to-end tests on real Engines
	@node .ci/run-suites.mjs

.PHONY: test-all
test-all: $(built) engines promtool ## also the whole fault matrix, long property runs, and the facts about real Engines
	@node .ci/run-suites.mjs --all

.PHONY: bench
bench: $(built) engines ## the table of goals against its baselines, and the same as JSON
	@npm run --silent bench

.PHONY: chaos
chaos: $(built) ## a long random run of faults, reconciled at its end. SECONDS=600; SEED=1 repeats one
	@npm run --silent chaos -- $(call option,SECONDS,seconds) $(call option,SEED,seed)

.PHONY: soak
soak: $(built) engines ## resources sampled for hours, slopes and a plot. HOURS=24 or MINUTES=30
	@npm run --silent soak -- $(call option,HOURS,hours) $(call option,MINUTES,minutes)

.PHONY: build
build: $(built) ## compile to dist/

.PHONY: lint
lint: $(stamps)/lint ## eslint and prettier

.PHONY: typecheck
typecheck: $(stamps)/typecheck ## the compiler over sources and tests

.PHONY: clean
clean: ## remove what was built and installed, but not the Engines of the tests (.engines)
	rm -rf dist coverage node_modules

# Not stamped: quick when all is there, and a machine can lose a package between two runs.
.PHONY: engines
engines: $(installed)
	@.ci/install-engines.sh

.PHONY: promtool
promtool:
	@.ci/install-promtool.sh

.PHONY: node
node:
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo 'make: Node.js with npm is not in PATH. Install Node.js $(oldest_node) or newer: https://nodejs.org' >&2; exit 1; }
	@printf '%s\n' $(oldest_node) "$$(node -p process.versions.node)" | sort -C -V || { \
	  echo "make: Node.js $$(node -p process.versions.node) is too old; $(oldest_node) or newer is needed" >&2; exit 1; }

# npm stamps by itself; touched all the same, as it keeps the old time when nothing was to be done.
$(installed): package-lock.json | node
	npm ci --include=dev --no-audit --no-fund
	@touch $@

$(built): $(sources) $(build_settings) $(installed)
	npm run --silent build
	@touch $@

$(stamps)/lint: $(checked) $(installed)
	npm run --silent lint
	@mkdir -p $(@D) && touch $@

$(stamps)/typecheck: $(checked) $(installed)
	npm run --silent typecheck
	@mkdir -p $(@D) && touch $@
