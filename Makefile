# What a visitor or contributor types. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Port of the AWS emulator; empty: STRATOCUBE_PORT or the default. 0 takes any free one.
PORT ?=

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo demo-down test lint bench-scale

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with what the demo and the command line need

install-dev: $(VENV)/.installed-dev ## make .venv with what tests and linters need as well

demo: install ## build two cubes of real Sentinel-2 scenes on this machine (PORT=… if 4580 is taken)
	@$(BIN)/stratocube demo $(if $(PORT),--port $(PORT))

demo-down: ## end a demo that was killed and remove what demos wrote
	@if [ -x $(BIN)/stratocube ]; then $(BIN)/stratocube demo-down; else rm -rf .stratocube demo-output; fi

test: install-dev ## run the tests, but for the slow ones (pytest -m build, -m slow)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not build and not slow"

bench-scale: install-dev ## what a unit costs as builds grow from 100 to 10,000 units (6-15 minutes; benchmarks/scale.json)
	$(BIN)/python -m benchmarks.scale

lint: install-dev ## check style, types and the CloudFormation template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/cfn-lint infra/template.yaml

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "stratocube needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps make a second run instant; a changed lock file or pyproject.toml installs again.
$(VENV)/.installed: requirements/local.txt pyproject.toml | $(BIN)/python
	@echo "installing packages into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/local.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "installing packages for development into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
