# `make` lists what there is. Everything works in .venv, which `make setup` makes from the lock files.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.setup-stamp
LOCKS := requirements/runtime.txt requirements/tracing.txt requirements/dev.txt

# The first interpreter found that is new enough; say PYTHON=... to choose another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## make .venv from the pinned, hashed lock file (fast when nothing changed)

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or later found; on Debian: apt-get install python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "error: $(PYTHON) cannot make a venv; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

# The lock files name packages, versions and hashes, never a registry: whoever installs decides where from.
UV_COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --no-config --quiet

.PHONY: lock
lock: setup ## pin again after a change of pyproject.toml (UPGRADE=1: newest versions)
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) --extra dev --extra tracing --output-file requirements/dev.txt
	$(UV_COMPILE) --constraint requirements/dev.txt --output-file requirements/runtime.txt
	$(UV_COMPILE) --constraint requirements/dev.txt --extra tracing --output-file requirements/tracing.txt

.PHONY: docs
docs: setup ## write docs/settings.md from the settings themselves
	$(BIN)/python -c 'from stream_app.settings.show import as_markdown; print(as_markdown(), end="")' > docs/settings.md

.PHONY: chart
chart: setup ## write the chart's schema, README and dashboards from their sources
	$(BIN)/python -m deploy.write

.PHONY: pictures
pictures: setup ## draw the dashboards from a real run into docs/pictures (some minutes)
	$(BIN)/python -m deploy.pictures

.PHONY: deploy-tools
deploy-tools: setup ## build the Helm and the kube-score that test the chart, once (a few minutes)
	$(BIN)/python -m deploy.tools

.PHONY: run
run: setup ## the whole pipeline on a local Kafka, with an answer that is checked (KEEP=1 leaves it up)
	$(BIN)/cg-trans-03 demo $(if $(KEEP),--keep)

.PHONY: lint
lint: setup ## formatting, lint, types, import rules
	$(BIN)/ruff format --check --quiet . || { echo "run 'make format'" >&2; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: setup ## format the code and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: test
test: lint deploy-tools ## lint, then every test; starts a real Kafka of its own
	$(BIN)/pytest

.PHONY: test-unit
test-unit: setup ## the tests that need no Kafka
	$(BIN)/pytest -m "not integration and not deploy"

.PHONY: test-plain
test-plain: setup ## the integration tests, all of them with scan=plain
	$(BIN)/pytest --scan plain tests/integration

.PHONY: chaos
chaos: setup ## kill, hang and restart workers and the broker, again and again (about 20 minutes)
	$(BIN)/pytest -m chaos tests/integration

.PHONY: test-deploy
test-deploy: deploy-tools ## the chart, its alerts and dashboards
	$(BIN)/pytest tests/deploy

.PHONY: bench bench-more bench-quick
bench: setup ## the throughput of the service and its peers (about a quarter of an hour)
	$(BIN)/python -m benchmarks run full
bench-more: setup ## latency, what a claim costs, two workers, memory, replay (half an hour)
	$(BIN)/python -m benchmarks run latency replay curves workers memory
bench-quick: setup ## the same in under five minutes; fails only on wrong work
	$(BIN)/python -m benchmarks run quick
