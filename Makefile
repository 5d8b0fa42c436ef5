# Needs Linux, git, make and Python 3.11 or newer; everything else is made below this folder.
# Settings: FEATURES=features/postgres (drill-all), RUN=latest (allure), SEED=123 (test),
# PYTHON=/path/to/python3.12.

FEATURES ?= features/postgres
RUN ?= latest
SEED ?=
TARGET := lab
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help environment drill drill-all allure test check clean clean-all

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1#\2/p' $(firstword $(MAKEFILE_LIST)) \
	  | awk -F'#' '{ printf "%-17s %s\n", $$1, $$2 }'

environment: # .venv from uv.lock; does nothing, quickly, when nothing changed
	@PYTHON='$(PYTHON)' sh tools/bootstrap.sh

drill: environment ## one drill on the embedded lab: the primary of a database is killed
	@$(BIN)/firemarshal run features/postgres/primary_crash.feature --target $(TARGET)

drill-all: environment ## every drill of FEATURES (features/postgres) on the embedded lab
	@$(BIN)/firemarshal run $(FEATURES) --target $(TARGET)

allure: environment ## the Allure report of RUN (latest) as one HTML file; needs Node, or Java with allure
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/build_allure.py --run '$(RUN)'

# The order is random, so that no test can lean on another; the seed is printed and repeats it.
test: environment ## the tests of the framework itself, in random order; SEED=123 repeats one, DRILLS=all drills the whole family
	@$(BIN)/pytest -p randomly $(if $(SEED),--randomly-seed=$(SEED)) tests

check: environment ## style, types, doors between the rooms, limits of size
	@PATH="$(CURDIR)/$(BIN):$$PATH" python tools/check.py

clean: ## what was built and cached; runs/ and .venv stay
	@rm -rf build dist src/firemarshal.egg-info allure-results .pytest_cache .mypy_cache
	@rm -rf .ruff_cache .import_linter_cache
	@find . -path ./.venv -prune -o -path ./.tools -prune -o -path ./runs -prune \
	  -o -name __pycache__ -type d -exec rm -rf {} +

clean-all: clean ## also .venv and .tools; runs/ stay, because they are evidence
	@rm -rf .venv .tools
