# Two commands on a fresh machine: `make run` and `make test`. Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= $(firstword $(wildcard ../shared/data))
export BEFFROI_DATA ?= $(abspath $(DATA))

.PHONY: shots run setup test kernel mutants lint types walls lock clean bench campaign scale guard-wheel

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml $(wildcard hatch_build.py src/beffroi/ui/web/package-lock.json)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

run: setup
	$(BIN)/beffroi demo

lint: setup
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench

types: setup
	$(BIN)/mypy

walls: setup
	$(BIN)/lint-imports

# The judge: its own tests alone run through every branch of it, or this fails.
kernel: setup
	$(BIN)/python -m coverage run --branch --source=beffroi.kernel --data-file=.coverage-kernel -m pytest tests/kernel
	$(BIN)/python -m coverage report --data-file=.coverage-kernel --show-missing --skip-covered --fail-under=100

# Each small change of the judge turns a test red, or is explained in docs/kernel.md: half an hour.
mutants: setup
	$(BIN)/python bench/mutate.py

# Whole files, the longest first (tests/conftest.py), on as many cores as there are, at most four.
test: setup
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types walls kernel
	$(BIN)/pytest --ignore=tests/kernel -n logical --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# Long runs, beside real peers. Each prints its conditions; docs/bench.md is written from them.
bench: setup
	$(BIN)/python bench/run.py

# Every case of the fault-and-attack campaign by number, with a table: bench/cases.py, docs/bench.md.
# Half an hour. Wants root and strace for the disks that fail; what could not run is "in part".
campaign: setup
	$(BIN)/python bench/campaign.py
	$(BIN)/beffroi lab attack all

scale: setup
	$(BIN)/python bench/scale.py

lock:
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --all-extras --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build dist

# LINK: the one-time link that a fresh `make run` prints.
shots: setup
	$(BIN)/python tests/ui/shots.py '$(LINK)' docs/screenshots

# The wheel of the street cabinet: kernel and guard only (docs/guard.md).
guard-wheel: setup
	cd packaging/guard && $(abspath $(BIN))/python -m hatchling build -t wheel -d $(abspath dist)
