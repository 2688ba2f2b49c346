# Every target sets up what it needs in .venv; nothing else on the machine is touched.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Two for each processor: many a test waits most of its time. Of 6,899 cases on two, three workers took 1,026 s, four 813.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) \* 2)
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo unit test test-ci test-set test-all test-slow suites lint types check bench bench-replacement docs requirements clean

help:  ## this list; ARGS="…" is handed on: make test ARGS="tests/pg_index -k corpus"
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "make %-18s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/demo.stamp  ## plan, apply, drift: the whole road on embedded servers
	@$(BIN)/reconciler demo $(ARGS)

unit: $(VENV)/test.stamp  ## tests that need no server
	$(PYTEST) --tier unit $(ARGS)

test: $(VENV)/test.stamp  ## does it work here? tests on the embedded servers, whatever else is installed
	$(PYTEST) --tier test $(ARGS)

test-ci: $(VENV)/dev.stamp  ## what `make test` leaves, on all servers that are found, as .ci/run chooses
	$(PYTEST) --tier ci $(ARGS)

test-set: $(VENV)/dev.stamp  ## what depends on which servers there are (RECONCILER_TEST_SERVERS), and a sample
	$(PYTEST) --tier set $(ARGS)

test-all: $(VENV)/dev.stamp  ## every case on every server that is found: hours
	RECONCILER_TEST_POSTGRES=$$(.ci/postgres):$$RECONCILER_TEST_POSTGRES $(PYTEST) --tier all $(ARGS)

test-slow: $(VENV)/test.stamp  ## `make test` as on a machine a quarter as fast: each core is busy with other things
	$(BIN)/python tests/under_load.py $(PYTEST) --tier test $(ARGS)

suites: $(VENV)/test.stamp  ## SQL=folder: the indexes of others' SQL scripts, declared and applied
	@test -n "$(SQL)" || { echo "error: which scripts? make suites SQL=folder" >&2; exit 2; }
	PYTHONPATH=tests $(BIN)/python -m suites "$(SQL)" $(ARGS)

lint: $(VENV)/dev.stamp  ## ruff, its format, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/dev.stamp  ## mypy, strict
	$(BIN)/mypy

check: lint types test  ## lint, types and `make test`: before a pull request

bench: $(VENV)/dev.stamp  ## the table of benchmarks/README
	$(BIN)/python benchmarks/speed.py $(ARGS)

bench-replacement: $(VENV)/dev.stamp  ## what readers and writers notice of a replacement
	$(BIN)/python benchmarks/replacement.py $(ARGS)

docs: $(VENV)/dev.stamp  ## help texts and the JSON Schema in the documentation
	$(BIN)/python docs/generate.py

requirements: $(VENV)/dev.stamp  ## requirements.txt: what the image and the action install, at the versions of today
	grep '^#' requirements.txt | head -n 2 > requirements.new
	echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml - >> requirements.new
	mv requirements.new requirements.txt

clean:  ## takes .venv and all caches away
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[test]'
	@touch $@ $(VENV)/demo.stamp

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/test.stamp $(VENV)/demo.stamp

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer with venv is needed, and none was found on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
