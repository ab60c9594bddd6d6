# What a visitor or contributor types. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCAN := .venv-scan
BENCH := .venv-bench
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Port of the AWS emulator; empty: STRATOCUBE_PORT or the default. 0 takes any free one.
PORT ?=

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo demo-down test browser docs lint scan audit faults bench bench-memory bench-scale

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with what the demo and the command line need

install-dev: $(VENV)/.installed-dev ## make .venv with what tests and linters need as well

demo: install ## build two cubes of real Sentinel-2 scenes on this machine (PORT=… if 4580 is taken)
	@$(BIN)/stratocube demo $(if $(PORT),--port $(PORT))

demo-down: ## end a demo that was killed and remove what demos wrote
	@if [ -x $(BIN)/stratocube ]; then $(BIN)/stratocube demo-down; else rm -rf .stratocube demo-output; fi

test: install-dev ## run the tests, but for the slow ones (pytest -m build, -m slow, -m browser)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not build and not slow and not browser"

browser: install-dev ## look at the pages in Chromium, which is fetched once (100 MB)
	$(BIN)/python -m tests.browser.install
	$(BIN)/python -m pytest -m browser

docs: install-dev ## build the documentation site into build/site; warnings are errors
	$(BIN)/python -m docs.site_tools.pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

faults: install-dev ## break the embedded stack in every way that docs/reliability.md lists (10-15 minutes)
	$(BIN)/python -m tests.faults

bench: $(BENCH)/.installed ## speed beside other tools and the machine's limits, 10 minutes (ARGS=--quick: two)
	$(BENCH)/bin/python -m benchmarks.speed $(ARGS)

bench-memory: $(BENCH)/.installed ## what functions cost at 1, 2 and 4 processors: the numbers the estimate uses
	$(BENCH)/bin/python -m benchmarks.memory_sizes

bench-scale: install-dev ## what a unit costs as builds grow from 100 to 10,000 units (6-15 minutes; benchmarks/scale.json)
	$(BIN)/python -m benchmarks.scale

lint: install-dev ## check style, types and the CloudFormation template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/cfn-lint infra/template.yaml

# 3 says that secrets known not to be any (.secrets.baseline) have moved to other lines.
scan: $(SCAN)/.installed ## look for misconfiguration and for secrets (checkov, detect-secrets)
	$(SCAN)/bin/checkov --config-file .checkov.yaml
	@cp .secrets.baseline $(SCAN)/known-secrets
	@git ls-files -z -- . ':!*.tif' ':!*.png' ':!.secrets.baseline' | xargs -0 sh -c \
	  '"$$0" --no-verify --baseline $(SCAN)/known-secrets "$$@" || test $$? -eq 3' $(SCAN)/bin/detect-secrets-hook

# Packages that no database knows (--strict) fail it: a lookup that did not take place must not look like a good one.
audit: $(SCAN)/.installed ## look pinned packages up for known vulnerabilities (needs a network beyond the package index)
	@for lock in requirements/dev.txt requirements/scan.txt shared/requirements.txt; do echo "$$lock"; \
	  $(SCAN)/bin/pip-audit --strict --vulnerability-service osv --disable-pip --require-hashes -r $$lock || { \
	    echo "not audited, or not clean: $$lock (see above)" >&2; exit 1; }; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "stratocube needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps make a second run instant; a changed lock file or pyproject.toml installs again. Lock files are complete, so
# nothing is resolved: pip would look for boto3[crt] beside the pinned boto3, and refuse the newer one it finds.
$(VENV)/.installed: requirements/local.txt pyproject.toml | $(BIN)/python
	@echo "installing packages into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/local.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "installing packages for development into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(SCAN)/.installed: requirements/scan.txt
	@echo "installing the scanners into $(SCAN)"
	@$(PYTHON) -m venv $(SCAN)
	@$(SCAN)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r $<
	@touch $@

$(BENCH)/.installed: requirements/bench.txt pyproject.toml | $(BIN)/python
	@echo "installing what speed is compared with into $(BENCH)"
	@$(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements/bench.txt
	@$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@touch $@
