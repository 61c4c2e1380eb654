# make demo             locate the two example pictures, a sign and a sight, or PHOTO=path, and draw a map
# make web              build the page that whereshot serve hands out; needs npm
# make wheel            build dist/*.whl, a wheel that holds the page; needs npm
# make test             lint, format, types and the tests that are not slow
# make test-all         the same with all tests
# make test-random      the tests of make test in a random order, whose seed is printed; SEED=number repeats it
# make types            mypy --strict over the package, a part of make test
# make landmarks        train and evaluate runs/landmarks.toml, write docs/results-landmarks.md (needs ../shared)
# make scoring          a million predictions scored, time and memory, into docs/results-scoring.md
# make benchmarks       the speed tables, peers side by side, into docs/results-speed.md

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# a sign that is read, and a sight that a model of text alone cannot know
PHOTOS := $(if $(PHOTO),"$(PHOTO)",examples/village-sign.jpg examples/red-bridge.jpg)
DEMO := demo

.DELETE_ON_ERROR:
.PHONY: demo web wheel test test-all test-random lint types shared landmarks scoring benchmarks clean

demo: $(VENV)/installed
	@mkdir -p $(DEMO)
	$(BIN)/whereshot locate $(PHOTOS)
	@$(BIN)/whereshot locate $(PHOTOS) --format html --out $(DEMO)/answer.html 2>/dev/null
	@echo "map: $(DEMO)/answer.html"

SITE := src/whereshot/server/static/site
NPM := $(shell command -v npm 2>/dev/null)

web: shared $(SITE)/index.html

# what the page shares with Python is written from Python
shared: | $(VENV)/installed
	@$(BIN)/python scripts/write_shared_constants.py --check

wheel: web $(VENV)/developing
	@rm -rf dist
	$(PIP) wheel --no-build-isolation --no-deps -w dist .
	@ls dist/*.whl

$(SITE)/index.html: $(shell find web/src web/public web/*.json web/*.ts web/index.html docs/responsible-use.md src/whereshot/earth/data/base_map.bin -type f 2>/dev/null)
	cd web && npm ci --no-fund --no-audit && npm run build

# a file stays in one process, and files begin in the order of tests/conftest.py: xdist would put those with most tests first
# a process that dies ends the run: xdist would go on with a new one and may then wait for ever
# Python may keep what it compiles: tests start many processes, and each would compile the package again
TESTS := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --durations=20

# without npm the page is not built: its tests are skipped and say so
test: lint types $(if $(NPM),web)
	$(TESTS) -m "not slow"

test-all: lint types $(if $(NPM),web)
	$(TESTS)

SEED := $(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' '))

test-random: $(VENV)/developing
	@echo "repeat this order with: make test-random SEED=$(SEED)"
	$(TESTS) -m "not slow" -p randomly --randomly-seed=$(SEED)

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/developing
	$(BIN)/mypy

landmarks: $(VENV)/developing
	$(BIN)/whereshot train runs/landmarks.toml --overwrite
	$(BIN)/python benchmarks/landmarks.py > docs/results-landmarks.md
	@echo "wrote docs/results-landmarks.md"

scoring: $(VENV)/developing
	@{ echo "# Scoring"; echo; echo "Made by \`make scoring\`: made-up predictions, all scores, 1,000 bootstrap draws by user."; \
	  echo; $(BIN)/python benchmarks/scoring.py; } | tee docs/results-scoring.md

benchmarks: $(VENV)/developing
	$(PIP) install -c constraints.txt -e ".[benchmarks]"
	@{ echo "# Speed"; echo; echo "Made by \`make benchmarks\`, on one core."; \
	  echo; echo "## S2 ids"; echo; $(BIN)/python benchmarks/s2_ids.py; \
	  echo; echo "## Partitions"; echo; $(BIN)/python benchmarks/partitions.py; } | tee docs/results-speed.md

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

# torch comes first and pinned: any later package that asks for "torch" would fetch the newest build
$(VENV)/developing: $(VENV)/installed
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e ".[torch,dev,spark]"
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO) $(SITE) dist web/node_modules
