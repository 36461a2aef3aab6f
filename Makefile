# Two commands on a fresh machine: `make run` and `make test`. Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= $(firstword $(wildcard ../shared/data))
export BEFFROI_DATA ?= $(abspath $(DATA))

.PHONY: shots run setup test lint types walls lock clean bench campaign scale

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

test: lint types walls
	$(BIN)/pytest

# Long runs, beside real peers; each script says what it measures (-h) and prints its conditions.
bench: setup
	$(BIN)/python bench/ingest.py
	$(BIN)/python bench/reconnect.py
	$(BIN)/python bench/codec.py
	$(BIN)/python bench/flows.py

campaign: setup
	$(BIN)/python bench/faults_broker.py kill --times 200
	$(BIN)/python bench/faults_broker.py fsync
	$(BIN)/python bench/faults_broker.py full
	$(BIN)/python bench/faults_hub.py kill
	$(BIN)/python bench/faults_hub.py full

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
