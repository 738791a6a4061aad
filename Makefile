# The one truth that people and CI both call. Every target sets up what it needs, and is quick when nothing changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= cardiograph-demo

.DEFAULT_GOAL := help
.PHONY: help setup demo check format test test-all bench clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed-dev ## a virtual environment with everything for working on the project

demo: $(VENV)/.installed ## two weekly snapshots of a made-up Hub, and a report about them
	@$(BIN)/cardiograph demo --home $(DEMO_HOME)

check: $(VENV)/.installed-dev ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## mend what lint and format can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(VENV)/.installed-dev ## the tests, without the slow ones
	$(BIN)/pytest -m "not slow"

test-all: $(VENV)/.installed-dev ## all tests
	$(BIN)/pytest

bench: $(VENV)/.installed-dev ## the measured claims of the README
	$(BIN)/python benchmarks/crawl.py

clean: ## remove the virtual environment, the caches and the demo
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis cardiograph-demo

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Cardiograph needs Python 3.11 to 3.13; say which with: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed
