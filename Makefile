# The commands of this project. `make demo` and `make test` need nothing but Python 3.11 and make:
# both set up .venv first, from locked and hashed requirements.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What the commands take, as in `make sim SEEDS=2000 FIRST=1`.
SEEDS ?= 300
FIRST ?= 1
KAFKA_DIR ?= .kafka/dev
KAFKA_PORT ?= 9092
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install demo test lint format types tests sim java kafka kafka-stop bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## create .venv with weir in it

# The stamp is written last, so that an interrupted install is done again.
$(INSTALLED): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is missing; name another with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { \
		echo "no virtual environment: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@# The only warning silenced is setuptools' advice on editable installs.
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation \
		--editable .
	@touch $@

demo: install ## settle a dozen partners' live traffic here, without any server (ARGS=...)
	$(BIN)/weir demo $(ARGS)

test: install java lint types tests ## everything: lint, types and all tests, genuine Kafka included

lint: install ## style, format and the reasons for every exception
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install ## put every file in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install ## strict types over code and tests
	$(BIN)/mypy

tests: install ## all tests; the last lines say how many ran on genuine Kafka
	$(BIN)/pytest $(ARGS)

sim: install ## seeded crashes, rebalances and zombies (SEEDS=300 FIRST=1)
	WEIR_SIM_SEEDS=$(SEEDS) WEIR_SIM_SEED_FIRST=$(FIRST) $(BIN)/pytest tests/sim $(ARGS)

# The tests on genuine Kafka need Java 17 and Maven. Where they are missing and may be installed,
# they are; elsewhere those tests say what is missing.
java:
	@if ! { command -v java && command -v mvn; } >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && \
			apt-get install -qq -y --no-install-recommends default-jre-headless maven; \
		else \
			false; \
		fi || echo "genuine Kafka needs: apt-get install default-jre-headless maven"; \
	fi

kafka: java ## start a genuine Kafka broker for development (KAFKA_PORT=9092)
	scripts/kafka.sh start $(KAFKA_DIR) $(KAFKA_PORT)

kafka-stop: ## stop the development broker; its data stays
	scripts/kafka.sh stop $(KAFKA_DIR)

bench: install ## the benchmarks, on genuine Kafka (ARGS="rate -o json")
	$(BIN)/weir bench $(ARGS)

# Only hashes and versions enter the lock: no addresses, and no wheels that happen to lie here.
COMPILE := env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet \
	--generate-hashes --strip-extras --allow-unsafe --no-emit-options \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
READ := import tomllib; project = tomllib.load(open("pyproject.toml", "rb"));

lock: install ## compile requirements/ anew from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) --output-file requirements/runtime.txt pyproject.toml
	$(BIN)/python -c '$(READ) print(*project["dependency-groups"]["dev"], sep="\n")' \
		| $(COMPILE) $(ARGS) --constraint requirements/runtime.txt \
			--output-file requirements/dev.txt pyproject.toml -
	$(BIN)/python -c '$(READ) print(*project["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) $(ARGS) --constraint requirements/dev.txt \
			--output-file requirements/build.txt -
	sed -i 's/-r -$$/pyproject.toml/' requirements/dev.txt requirements/build.txt

clean: ## remove what was made here, .venv and downloaded jars included
	@[ ! -d $(KAFKA_DIR) ] || scripts/kafka.sh stop $(KAFKA_DIR)
	rm -rf $(VENV) .kafka build dist *.egg-info .coverage htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
