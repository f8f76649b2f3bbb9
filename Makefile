# Every target makes what it needs, starting from a Python 3.11 or later with venv and pip.

PYTHON ?= python3
VENV ?= .venv
PYTHONS := 3.11 3.12 3.13
ARGS ?=

# Half of the time in which the tests are collected goes into bytecode, where none is kept.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CODE := src tests examples benchmarks tools conftest.py docs/conf.py

.DEFAULT_GOAL := help
.PHONY: help run test fast test-all coverage mutants check lint types layers docs format bench bench-peers conservation signals scenarios pictures transcript pin clean
.DELETE_ON_ERROR:

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: $(VENV)/.ready-run ## Run the demo: index the standard library and search it
	$(BIN)/python -m examples.codesearch $(ARGS)

test: $(VENV)/.ready-test ## Run the tests (ARGS="-k name" for some of them)
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile $(ARGS)

fast: $(VENV)/.ready-test ## Run the tests without processes, sockets, threads and real time
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile -m "not real" tests $(ARGS)

test-all: test $(PYTHONS:%=test-%) ## Run the tests on every supported Python that is installed

# A test that the tracer makes too slow fails here, and `make test` judges it: the report comes all the
# same. Python 3.11, as the core that makes 3.12 and 3.13 fast knows no branches before 3.14.
coverage: $(VENV)/.ready-test ## Run the tests and show the lines and branches they miss
	$(BIN)/python -m coverage erase
	-$(BIN)/python -m coverage run -m pytest --numprocesses=auto --dist=loadfile $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python tools/coverage_rooms.py
	$(BIN)/python -m coverage report

mutants: $(VENV)/.ready-test ## Change the rules in small ways, each of which a test has to notice
	$(BIN)/python -m tools.mutants $(ARGS)

check: lint types layers docs ## Check everything that can be checked without running the tests

lint: $(VENV)/.ready-check
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/python tools/lint_tasks.py

# pyright looks for the package in the environment of the `python` that it finds first.
types: $(VENV)/.ready-check
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright --verifytypes fluid --ignoreexternal

layers: $(VENV)/.ready-check
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry --no-ansi src

docs: $(VENV)/.ready-check ## Build the documentation into docs/_build
	$(BIN)/sphinx-build --fail-on-warning --keep-going --fresh-env --quiet docs docs/_build

format: $(VENV)/.ready-check ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

explore: $(VENV)/.ready-test ## Explore schedules for 10 minutes (ARGS="--minutes 60 --seeds 5000")
	$(BIN)/python -m tools.explore $(ARGS)

conservation: $(VENV)/.ready-test ## Send a million messages through explored schedules, and count them
	$(BIN)/python -m tools.conservation $(ARGS)

signals: $(VENV)/.ready-test ## Kill a thousand processes at random moments (ARGS="--count 100")
	$(BIN)/python -m tools.signals $(ARGS)

bench: $(VENV)/.ready-test ## Run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(VENV)/.ready-test ## Compare with aio-fluid, mode and aiomisc (ARGS="--write" into docs/)
	$(BIN)/python -m benchmarks.peers $(ARGS)
	$(BIN)/python -m benchmarks.peers.behaviour $(filter --write,$(ARGS))

scenarios: $(VENV)/.ready-test ## Show which scenarios the tests cover
	$(BIN)/python tools/scenarios.py $(ARGS)

pictures: $(VENV)/.ready-test ## Draw the pictures of docs/ anew
	$(BIN)/python -m tools.timelines
	$(BIN)/python -m tools.flows
	$(BIN)/python -m tools.states

transcript: $(VENV)/.ready-test ## Record the run of fluid run in docs/running.md anew
	$(BIN)/python -m tools.transcript

pin: ## Pin requirements/*.txt anew, each to the latest versions that fit
	$(PYTHON) -m venv .venv-pin
	.venv-pin/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-pin/bin/uv $(PIN) --upgrade requirements/check.in -o requirements/check.txt
	.venv-pin/bin/uv $(PIN) --constraint requirements/check.txt requirements/test.in -o requirements/test.txt
	.venv-pin/bin/uv $(PIN) --constraint requirements/check.txt requirements/run.in -o requirements/run.txt

PIN := pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--no-annotate --custom-compile-command "make pin"

clean: ## Remove everything that make made
	rm -rf .venv .venv-* docs/_build build dist .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# ------------------------------------------------------------------------- virtual environments
# One stamp for each set of requirements. A set includes the smaller ones, pinned alike.

$(VENV)/.ready-%: requirements/%.txt pyproject.toml $(VENV)/.made
	$(PIP) --requirement $<
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

TOO_OLD = echo "fluid needs Python 3.11 or later, and '$(PYTHON)' is not. Name one: make PYTHON=/path/to/python3.13"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { $(TOO_OLD); exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# `make test-3.12` runs the tests on Python 3.12 in an environment of its own. An interpreter is
# tried before it counts, because pyenv puts commands on the PATH that only say "not activated".
works = $(shell $(1) -c '' >/dev/null 2>&1 && echo $(1))
pythons = python$(1) $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python$(1))
found = $(firstword $(foreach python,$(call pythons,$(1)),$(call works,$(python))))
same = $(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

test-3.%: $(VENV)/.made
	$(if $(filter $(same),3.$*),@echo "Python 3.$* is what $(VENV) runs on: tested above",\
	$(if $(call found,3.$*),$(MAKE) --no-print-directory test VENV=.venv-3.$* PYTHON=$(call found,3.$*),\
	@echo "Python 3.$* is not installed: skipped"))
