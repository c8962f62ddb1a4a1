# Two commands do all the set-up: `make demo` (the main job) and `make test`. `make help` lists the others.
PYTHON ?= python3
VENV ?= .venv
PIP_FLAGS ?=
VIEWER ?= 1
WORKERS ?= 2
SCANS ?= demo/scores # results of medres score, or scans; the README shows the first study of the demo's
BIN := $(VENV)/bin
ONE_THREAD := OMP_NUM_THREADS=1 # each of the workers
READY := $(VENV)/.ready
TORCH := torch # installed first and alone, so that nothing else can bring another build of it

.PHONY: help demo test check format lint types floors doctest screenshots benchmarks clean

help: ## say what each target does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1|/' | column -t -s '|'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "medres needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv module: install it first (Debian: apt-get install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt $(TORCH)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY) ## walk the whole way on synthetic patients and open the viewer (VIEWER=0: without it)
	$(BIN)/medres demo --out demo $(if $(filter 0,$(VIEWER)),--no-viewer,--viewer)

test: $(READY) ## run the whole test suite
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: format lint types floors doctest test ## all checks; what CI runs

format: $(READY) ## is the code formatted?
	$(BIN)/ruff format --check .

lint: $(READY) ## is the code clean?
	$(BIN)/ruff check .

types: $(READY) ## do the types hold?
	$(BIN)/mypy

floors: $(READY) ## does every room know only those below it?
	$(BIN)/lint-imports

doctest: $(READY) ## does every example in a docstring run?
	$(BIN)/python -m pytest --doctest-modules medres

screenshots: $(READY) ## picture each page of the viewer (SCANS: folders to open), into docs/screenshots
	$(BIN)/python -m app.screenshots docs/screenshots $(SCANS) --studies 1

benchmarks: $(READY) ## measure against the peers, one table each
	$(BIN)/python -m benchmarks.intake
	$(BIN)/python -m benchmarks.evaluation
	$(BIN)/python -m benchmarks.preprocessing
	$(BIN)/python -m benchmarks.training

clean: ## remove what demo and tests made, keep the environment
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
