# Everything starts here. `make help` lists the targets; each does its own set-up on a machine that has
# Python 3.11 or later, make, and a network to a package index. PostgreSQL, Node and Docker are not needed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
HOME_  := $(CURDIR)/.makegood

export MAKEGOOD_HOME ?= $(HOME_)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev browser run test lint types contracts docs bench lock clean

help:  ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/python-checked:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Makegood needs Python 3.11 or later; '$(PYTHON)' is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run-installed: $(VENV)/python-checked requirements/run.txt pyproject.toml
	@echo "Installing what Makegood needs (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/dev-installed: $(VENV)/run-installed requirements/dev.txt
	@echo "Installing what tests and checks need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/run-installed  ## Install what Makegood needs into .venv

setup-dev: $(VENV)/dev-installed  ## Install what tests, checks and documentation need, too

browser: $(VENV)/dev-installed  ## Make sure that a Chromium is there for the browser journeys
	@$(BIN)/python tests/journeys/browser.py

run: setup  ## Load the demo retailer and start the desk on http://127.0.0.1:8000
	@$(BIN)/makegood demo

test: lint types contracts browser  ## Everything that must pass
	@MAKEGOOD_HOME=$(CURDIR)/.makegood-test $(BIN)/python -m pytest -n auto

lint: $(VENV)/dev-installed  ## Style, formatting, unused dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/deptry .

types: $(VENV)/dev-installed  ## Types, strictly
	@MAKEGOOD_HOME=$(CURDIR)/.makegood-test $(BIN)/mypy

contracts: $(VENV)/dev-installed  ## Floors import downwards only; migrations are complete
	@$(BIN)/lint-imports --no-cache
	@MAKEGOOD_HOME=$(CURDIR)/.makegood-test $(BIN)/python -m tests.migrations

docs: $(VENV)/dev-installed  ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/dev-installed  ## Measure (bench/README.md says what and how)
	@MAKEGOOD_HOME=$(CURDIR)/.makegood-bench $(BIN)/python -m bench

lock: $(VENV)/dev-installed  ## Pin dependencies anew, with hashes and without index addresses
	@for part in "run:" "test:--group test -c requirements/run.txt" "dev:--group test --group lint --group docs --group lock -c requirements/test.txt"; do \
	  $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --quiet $${part#*:} -o requirements/$${part%%:*}.txt || exit 1; done

clean:  ## Remove what tests and builds left behind (not the data in .makegood)
	@rm -rf .makegood-test .makegood-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis site
