# One entry for developers: `make demo`, `make test`, `make lint`, `make types`, `make check`.
# `make test` leaves out what is slow, `make test-all` nothing; WORKERS processes share the work.
# PYTHON picks the interpreter; PIP_ARGS goes to every pip install, so a CUDA or CPU build of
# torch can be chosen, e.g. PIP_ARGS="--extra-index-url ..." (constraints.txt pins its version).
PYTHON   ?= python3.11
VENV     ?= .venv
PIP_ARGS ?=
RUN      ?= runs/demo
WORKERS  ?= 2
BASE     ?=

BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_ARGS)
PYTEST  := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
SOURCES := evoframe tests examples benchmarks plugins docs/generate.py

.PHONY: demo test test-all fuzz replay lint types fix check docs wheel clean

demo: $(VENV)/.demo
	$(BIN)/evoframe evolve --recipe demo --out $(RUN)

test: $(VENV)/.dev
	$(PYTEST) -m "not slow" $(PYTEST_ARGS)

test-all: $(VENV)/.dev
	$(PYTEST) $(PYTEST_ARGS)

fuzz: $(VENV)/.dev
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -o timeout=0 tests/anatomy tests/kernel $(PYTEST_ARGS)

# Do this tree and an earlier commit do the same, bit for bit? See tests/replay/replay.py.
replay: $(VENV)/.dev
	@$(BIN)/python tests/replay/replay.py $(if $(BASE),--base $(BASE))

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

check: lint types test

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

wheel: $(VENV)/.dev
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build

$(VENV)/.python:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e ".[demo]"
	touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e ".[dev]"
	touch $@ $(VENV)/.demo
