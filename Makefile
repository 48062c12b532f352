SHELL := /bin/sh
VENV ?= .venv
PYTHON_BIN := $(VENV)/bin
PORT = 8080
DATA =
LEVEL = apiserver
NAME = default
.DEFAULT_GOAL := help
# Tests, benches and `run` start many processes: each would compile its libraries anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/installed ## Install everything into .venv (needs Python 3.11-3.13 only)

$(VENV)/installed: requirements.lock pyproject.toml $(wildcard */pyproject.toml tests/*/pyproject.toml) tools/setup
	@VENV=$(VENV) tools/setup

run: setup ## Train the sample and serve it; make run PORT=8081, make run DATA=path/to/telco.csv
	@$(PYTHON_BIN)/churnguard up manifests/samples/telco.yaml --port $(PORT) $(if $(DATA),--data '$(DATA)')

test: setup ## Run the tests but those of the pages; says what it skips and why
	@$(PYTHON_BIN)/coverage erase
	@$(PYTHON_BIN)/coverage run -m pytest -q --ignore=tests/docs
	@$(PYTHON_BIN)/coverage combine -q && $(PYTHON_BIN)/coverage report

check: setup ## Lint, types, import contracts, drift of generated files, what the pages say
	@$(PYTHON_BIN)/ruff check .
	@$(PYTHON_BIN)/ruff format --check .
	@$(PYTHON_BIN)/mypy
	@for tests in */tests; do $(PYTHON_BIN)/mypy $$tests || exit; done
	@$(PYTHON_BIN)/mypy tests/cluster/*.py
	@$(PYTHON_BIN)/lint-imports
	@$(PYTHON_BIN)/python tools/generate --check
	@$(PYTHON_BIN)/python -m pytest -q tests/docs

format: setup ## Format the code
	@$(PYTHON_BIN)/ruff check --fix .
	@$(PYTHON_BIN)/ruff format .

generate: setup ## Write the CRD and the reference pages from the types
	@$(PYTHON_BIN)/python tools/generate

quality: setup ## Print the quality table on the real data sets
	@$(PYTHON_BIN)/python tests/performance/quality.py

bench: setup ## Print quality and speed beside what they must reach; PARTS=operator for one part
	@$(PYTHON_BIN)/python tests/performance/bench.py $(PARTS)

cluster-up: setup ## Start a real cluster and print its kubeconfig; LEVEL=apiserver|node, NAME=...
	@$(PYTHON_BIN)/python -m churnguard_cluster up --level $(LEVEL) --name $(NAME)

cluster-down: setup ## Take it down; leaves nothing behind
	@$(PYTHON_BIN)/python -m churnguard_cluster down --name $(NAME)

test-apiserver: setup ## Run the tests on a real API server with its controllers
	@$(PYTHON_BIN)/python -m pytest -q -m apiserver tests/apiserver tests/cluster

test-cluster: setup ## Run the tests on a real node, with our images; needs root
	@CHURNGUARD_TEST_LEVEL=node $(PYTHON_BIN)/python -m pytest -q -m cluster tests/cluster

images: setup ## Build the images of the Dockerfile and print their sizes
	@$(PYTHON_BIN)/python -m churnguard_cluster.node.images

tools: setup ## Build the real servers that some tests start; installs Go where there is none
	@$(PYTHON_BIN)/python tests/tools/build

lock: setup ## Compile requirements.lock again, changing as little as possible
	@tools/lock

clean: ## Remove what make made
	rm -rf $(VENV) build .coverage* .mypy_cache .pytest_cache .ruff_cache

.PHONY: help setup run test check format generate quality bench cluster-up cluster-down test-apiserver test-cluster images tools lock clean
