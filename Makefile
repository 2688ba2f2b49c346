# Every target sets up what it needs in .venv; nothing else on the machine is touched.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint types check bench bench-replacement docs clean

demo: $(VENV)/demo.stamp  ## the whole road on embedded servers
	@$(BIN)/reconciler demo $(ARGS)

test: $(VENV)/dev.stamp  ## all tests on every server that is found
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/dev.stamp
	$(BIN)/mypy

check: lint types test

bench: $(VENV)/dev.stamp  ## the table of benchmarks/README
	$(BIN)/python benchmarks/speed.py $(ARGS)

bench-replacement: $(VENV)/dev.stamp  ## what readers and writers notice of a replacement
	$(BIN)/python benchmarks/replacement.py $(ARGS)

docs: $(VENV)/dev.stamp  ## help texts and the JSON Schema in the documentation
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/demo.stamp

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer with venv is needed, and none was found on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
