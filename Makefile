# Every target sets itself up. Only Python 3.11+, make and git are needed on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test soak bench lint sbom types format lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The locks name everything, so nothing is resolved: Debian 12's pip, which meets an extra of
# what is pinned, would look for a newer one and then miss its hash.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml examples/batua-stripe/pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e examples/batua-stripe
	@touch $(VENV)/.runtime $@

install: $(VENV)/.runtime ## Make .venv with what running needs

install-dev: $(VENV)/.dev ## Make .venv with what developing needs

demo: $(VENV)/.runtime ## Serve a shop with simulators, worker and seeded customers on 127.0.0.1:8000
	$(BIN)/batua demo

test: $(VENV)/.dev ## Every kind of check, reduced and seeded, on SQLite and PostgreSQL
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --cov --cov-report= $(ARGS)
	$(BIN)/python -m coverage report --skip-covered

soak: $(VENV)/.dev ## The same harnesses with the full counts: hours, two at a time
	BATUA_TEST_SOAK=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "soak or not soak" $(ARGS)

bench: $(VENV)/.dev ## Figures, side by side in one run
	$(BIN)/python -m benchmarks

lint: $(VENV)/.dev ## Style, format, import layers, weak spots and known weaknesses
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive plugin api admin
	$(BIN)/python -m tools.audit requirements.lock requirements-dev.lock

sbom: $(VENV)/.dev ## Write sbom.json: every package that requirements.lock pins, with its hashes
	$(BIN)/python -m tools.sbom requirements.lock sbom.json

types: $(VENV)/.dev ## Strict types
	$(BIN)/mypy
	$(BIN)/mypy --config-file examples/batua-stripe/pyproject.toml examples/batua-stripe/src

format: $(VENV)/.dev ## Rewrite to the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Resolve the locks again (needs uv); they name no registry
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra dev --extra redis --extra otel --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock

clean: ## Remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache htmlcov .coverage*
