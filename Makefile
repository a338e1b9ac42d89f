# What a newcomer runs. Every target sets itself up: an own virtual environment, pinned packages.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CODE := emulator broker scenarios tests
CORES_TESTS := tests/emulator tests/broker/mqtt tests/broker/admission tests/broker/registry tests/broker/policy tests/broker/control
CORES := emulator/softatecc/*,broker/jitpbroker/mqtt/*,broker/jitpbroker/admission/*,broker/jitpbroker/registry/*,broker/jitpbroker/policy/*
SHELLS := emulator/softatecc/cal.py,emulator/softatecc/calhal.py,emulator/softatecc/hostsleeps.py,emulator/softatecc/hostlib.py,emulator/softatecc/ports/*,emulator/softatecc/transports/tcp.py,emulator/softatecc/transports/i2c.py,emulator/softatecc/__main__.py

.DEFAULT_GOAL := menu
.PHONY: menu demo test check lint types imports format fast cover docs conformance mutants bench bench-chip bench-broker powercut powercut-chip powercut-broker fuzz programs lock clean

menu: ## this menu
	@echo "jitplab: a software ATECC608A, a local AWS IoT JITP broker, and the failures in between"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.run ## the case, told in one page: wrong slot, silent hang-up, why, and the cure
	@$(BIN)/jitplab demo

test: $(VENV)/.dev programs lint types imports cover ## everything: checks, all tests, coverage of the cores, the wheel

check: $(VENV)/.dev ## the fast half: format, lint, types, imports, quick tests (under a minute)
	@$(MAKE) --no-print-directory lint types imports fast

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "some files are not formatted; run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet $(CODE)

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

fast: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n auto -m "not slow"

# Whoever is traced takes twice as long; the cores' own tests have to cover them, so only those are traced.
cover: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n auto --cov --cov-report= $(CORES_TESTS)
	@$(BIN)/python -m pytest -q -n auto tests $(CORES_TESTS:%=--ignore=%)
	@$(BIN)/coverage report --include='$(CORES)' --omit='$(SHELLS)' --precision=2 --fail-under=99.9

format: $(VENV)/.dev ## put every file into the project's form
	@$(BIN)/ruff check --quiet --fix $(CODE) || true
	@$(BIN)/ruff format --quiet $(CODE)

docs: $(VENV)/.dev ## draw the generated pages of docs/reference anew
	@$(BIN)/python -m jitplab.catalogue_page > docs/reference/scenarios.md
	@$(BIN)/python -m jitplab.rules_page > docs/reference/rules.md
	@$(BIN)/python -m jitplab.failures_page > docs/reference/failures.md
	@$(BIN)/python -m jitplab.knobs_page > docs/reference/knobs.md
	@$(BIN)/python -m softatecc.fidelity > docs/reference/fidelity.md

# --- what is long, or needs something from outside; never part of `make test` --------------------

conformance: $(VENV)/.dev ## run Microchip's own C test program on the chip: make conformance PROGRAM=/path/to/it
	@test -n "$(PROGRAM)" || { echo "name the built test program: make conformance PROGRAM=/path (docs/reference/conformance.md)"; exit 2; }
	@$(BIN)/python tests/conformance/run.py "$(PROGRAM)"

mutants: $(VENV)/.dev ## break the permission checks one by one; the tests must notice
	@$(BIN)/python tests/mutants/run.py

bench: ## both of the following, whatever the first finds
	@code=0; for each in bench-chip bench-broker; do $(MAKE) --no-print-directory $$each || code=$$?; done; exit $$code

bench-chip: $(VENV)/.dev ## ratios of the chip to bare cryptography, of the wheel with and without its sleeps
	@$(BIN)/python tests/bench/run.py

bench-broker: $(VENV)/.dev ## ratios of the broker to mosquitto
	@$(BIN)/python tests/bench/broker.py

powercut: ## both of the following, whatever the first finds
	@code=0; for each in powercut-chip powercut-broker; do $(MAKE) --no-print-directory $$each || code=$$?; done; exit $$code

powercut-chip: $(VENV)/.dev ## kill an emulated chip 200 times; nothing acknowledged may be lost
	@$(BIN)/python tests/powercut/run.py

powercut-broker: $(VENV)/.dev ## the same for the broker under QoS 1 load
	@$(BIN)/python tests/powercut_broker/run.py

fuzz: $(VENV)/.dev ## mutated packets, templates, policies, certificates and HTTP requests
	@$(BIN)/python tests/fuzz/run.py

programs: ## install the third-party programs the tests use, where that is allowed
	@sh tests/install_programs.sh

lock: $(VENV)/.dev ## resolve requirements/*.txt anew from pyproject.toml
	@$(PIP) install uv
	@$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		--quiet pyproject.toml --extra amqtt --extra control --extra state --group dev -o requirements/dev.txt
	@$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		--quiet pyproject.toml --group setup -c requirements/dev.txt -o requirements/run.txt

clean: ## remove everything that was built, the environment included
	@rm -rf $(VENV) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "jitplab needs Python 3.11 or newer; $(PYTHON) is older or missing. Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "setting up $(VENV) (once; this takes a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "this Python has no venv module (Debian: apt-get install python3-venv)"; exit 1; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@$(PIP) install --no-deps --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run
