# Two commands on a fresh machine (Python >= 3.11, git, make): `make sandbox` and `make test`.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(if $(shell $(p) -c 'import sys,venv,ensurepip; print(sys.version_info>=(3,11) or "")' 2>/dev/null | grep True),$(p))))
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help sandbox test check format bench pictures test-cluster lock clean

help:  ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Dynamo needs Python 3.11 or newer with venv (on Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Setting up in $(VENV): once, about ten seconds"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt requirements/uv.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-build-isolation --no-deps --editable .
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import bot.sandbox.launcher'  # compiled once, so that later starts are quick
	@touch $@

sandbox: $(READY)  ## start the offline world: a Slack workspace, a cluster and Dynamo, in the browser
	@$(BIN)/dynamo sandbox $(if $(PORT),--port $(PORT)) $(if $(SPEED),--speed $(SPEED)) $(if $(KEEP),--keep $(KEEP)) $(if $(KUBE_CONTEXT),--kube-context $(KUBE_CONTEXT)) $(if $(REGISTRY),--registry $(REGISTRY))

test: $(READY)  ## run every test that this machine can run, and say which it cannot
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY)  ## formatting, lint, strict types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## format, and mend what lint can mend by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY)  ## measure, each figure beside its peer in the same run
	@$(BIN)/python -m tests.bench $(ARGS)

pictures: $(READY)  ## take the pictures of the README anew, of the real page
	@$(BIN)/python -m tests.pictures $(ARGS)

test-cluster: $(READY)  ## the cluster adapter's tests against a real cluster: make test-cluster KUBECONFIG=PATH
	@test -n "$(KUBECONFIG)" || { echo "Name the cluster: make test-cluster KUBECONFIG=PATH"; exit 1; }
	@DYNAMO_TEST_KUBECONFIG="$(KUBECONFIG)" $(BIN)/python -m pytest -m cluster $(ARGS)

lock: $(READY)  ## write the locked requirements anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o requirements/runtime.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt

clean:  ## remove what make made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts
