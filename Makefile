# Every target sets itself up in .venv; the second run installs nothing and works offline.
#   make demo ARGS='--json out.json'       options go to the command
#   make test PYTHON=/path/to/python3.12   another interpreter (for a .venv that does not exist yet)
#   make test TORCH_WHEELS=...             where to find the CPU build of torch, which only tests and benchmarks need:
#                                          a folder of wheels, or the URL of an index that carries it; without it,
#                                          pip takes what it finds by itself, which on Linux x86-64 is the far
#                                          larger CUDA build
PYTHON ?=
TORCH_WHEELS ?=
ARGS ?=

# two stamps: what running needs, and on top of it what tests, checks and benchmarks need
INSTALLED := .venv/.installed
DEVELOPED := .venv/.installed-dev
WAIT := .ci/with-progress
PIP_INSTALL := .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt
TORCH_IS_URL := $(findstring ://,$(TORCH_WHEELS))
TORCH_FROM := $(if $(TORCH_WHEELS),$(if $(TORCH_IS_URL),--extra-index-url,--find-links) $(TORCH_WHEELS))

.DEFAULT_GOAL := help
.PHONY: help demo test check bench up install clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "  Options: ARGS='...'  PYTHON=...  TORCH_WHEELS=...  (see the head of the Makefile)"

demo: $(INSTALLED) ## start both services, attack one with the other, print the table (ARGS='--json out.json')
	@.venv/bin/recleak demo $(ARGS)

test: $(DEVELOPED) ## run the tests (ARGS='-k words')
	@.venv/bin/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(DEVELOPED) ## ruff, mypy and the import layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: $(DEVELOPED) ## measure ours and its peers on the same work (ARGS='item serving --data-dir FOLDER')
	@.venv/bin/recleak bench $(ARGS)

up: ## build the image, start target and attacker, run the demo (ARGS=-d: in the background)
	docker compose up --build $(ARGS)

install: $(DEVELOPED) ## set .venv up for tests, checks and benchmarks, and do nothing else
	@true

$(INSTALLED): pyproject.toml constraints.txt
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || { \
	    python=$$(.ci/find-python $(PYTHON)) && $(WAIT) "making .venv with $$("$$python" --version)" \
	        "$$python" -m venv --clear .venv; }
	@$(WAIT) "1 of 2: the build back end" $(PIP_INSTALL) hatchling
	@$(WAIT) "2 of 2: the pinned dependencies, about a minute the first time" \
	    $(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

$(DEVELOPED): $(INSTALLED)
	@$(WAIT) "what tests, checks and benchmarks need, a few minutes the first time" \
	    $(PIP_INSTALL) --no-build-isolation $(TORCH_FROM) -e '.[cluster,dev,postgres]'
	@touch $@

clean: ## remove .venv and everything else that can be made again
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
