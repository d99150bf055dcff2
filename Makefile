# One entry for developers: `make demo`, `make test`, `make lint`, `make types`, `make check`.
# `make test` leaves out what is slow, `make test-all` nothing; WORKERS processes share the work.
# PYTHON picks the interpreter, the first that is found of those that are tested; PIP_ARGS goes to every pip install, so a CUDA or CPU build of
# torch can be chosen, e.g. PIP_ARGS="--extra-index-url ..." (constraints.txt pins its version).
PYTHON   ?= $(or $(shell for one in python3.11 python3.12 python3.13 python3; do \
  $$one -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2> /dev/null \
  && echo $$one && break; done),$(error wanted Python 3.11, 3.12 or 3.13 on the path, or PYTHON=...))
VENV     ?= .venv
PIP_ARGS ?=
RUN      ?= runs/demo
WORKERS  ?= 2
BASE     ?=

BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_ARGS)
PYTEST  := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
SOURCES := evoframe tests examples benchmarks plugins docs/generate.py

.PHONY: demo test test-all fuzz replay lint types fix check docs site wheel release clean

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

# Examples, plugins and the writer of the reference are held to a little less: no types of others.
types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/mypy --follow-imports silent --no-warn-unused-ignores --ignore-missing-imports --allow-any-generics --allow-untyped-calls \
	  --allow-subclassing-any --no-warn-return-any --disable-error-code union-attr \
	  --disable-error-code arg-type examples plugins/evoframe-*/evoframe_* docs/*.py

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

check: lint types test

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

# The documents as pages, in build/site; a warning is an error.
site: $(VENV)/.site
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/site

# Is the wheel whole? Its demo recipe is run in an environment that has nothing else.
release: wheel
	rm -rf build/release && $(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet -c constraints.txt $(PIP_ARGS) "$$(ls dist/*.whl)[demo]"
	cd build && release/bin/evoframe evolve --recipe demo --generations 2 --out release/run

wheel: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build

$(VENV)/.python:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e ".[demo]"
	touch $@

$(VENV)/.site: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e ".[site]"
	touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e ".[dev]"
	touch $@ $(VENV)/.demo
