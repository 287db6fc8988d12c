# carehub: `make demo` shows it, `make test` proves it. Everything lives in .venv; nothing is installed elsewhere
# except, for the tests, Debian's mosquitto and chromium where we may.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test test-server check format bench soak fuzz histories tools picture clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "carehub needs Python 3.11 or newer; this is $$($(PYTHON) -V). Set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || \
	  { rm -rf $(VENV); $(PYTHON) -m virtualenv -q $(VENV) >/dev/null 2>&1; } || \
	  { $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; } 2>/dev/null || \
	  { rm -rf $(VENV); echo "no way to make a virtual environment here: apt-get install python3-venv"; exit 1; }
	@echo "Installing carehub and what it stands on into $(VENV): some hundred megabytes the first time, which take minutes."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --use-pep517 -e '.[dev]'
	@touch $@
	@echo "Done. The command is $(BIN)/carehub; make demo shows it, make test proves it."

## make setup    create .venv and install carehub into it
setup: $(VENV)/.installed

## make demo     run the hub with a simulated neighbourhood; open the printed address
demo: setup
	@$(BIN)/carehub up --demo

## make test     every test, with the Mosquitto, Chromium and Node.js they need
#                 (side by side: nothing is timed, the second half mostly waits, what takes longest begins first, see
#                 tests/order.py; `make test TESTS=tests/unit/alerts` for some.
#                 What fails beside others is played once more alone: what the busy machine did to it is told apart from
#                 what is broken, which fails again. Both are in the output.)
ALONE := $(BIN)/python -m pytest -v --last-failed --last-failed-no-failures none --maxfail 5
played = $(BIN)/python -m pytest $(1) --dist loadfile --no-loadscope-reorder --durations 20 --durations-min 15 $(2) || { test $$? -eq 1 && \
	  echo "=== FAILED BESIDE OTHERS, NOW ONCE MORE ALONE ===" && $(ALONE) $(2); }

test: setup tools
ifdef TESTS
	$(BIN)/python -m pytest $(TESTS)
else
	$(call played,-n 2,tests/unit tests/integration tests/fuzz)
	$(call played,-n 3,tests/acceptance tests/bench tests/browser tests/simulation)
endif

## make test-server    CAREHUB_TEST_DSN=postgresql://… make test-server: storage and acceptance on that server, which may
#                 have TimescaleDB (a superuser, or a role that may create databases and roles). The head of the run says
#                 what was found. Databases are made there under names of the run's own, and dropped.
test-server: setup tools
	@test -n "$$CAREHUB_TEST_DSN" || { echo "CAREHUB_TEST_DSN=postgresql://user:password@host:port/postgres make test-server"; exit 2; }
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/integration tests/simulation
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/acceptance

# Real parts for the tests. Without the right to install them, each test that needs one says so and is skipped
# (in CI it fails instead).
tools:
	@$(BIN)/python -m tests.tools

## make check    ruff and mypy
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## make bench    every bench beside its floors and peers, one report of them in build/bench (three hours and a half; BENCH=quick: 20 minutes)
bench: setup tools
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[bench]'
	$(BIN)/carehub bench report $(if $(filter quick,$(BENCH)),--quick)

## make soak     100 blows while 50 devices press: killed, frozen, cut at COMMIT, clock set back (about 8 minutes)
soak: setup tools
	CAREHUB_SOAK_KILLS=100 $(BIN)/python -m pytest -s tests/acceptance/test_soak.py

## make fuzz     a million damaged messages and streams, what a byte costs, what coverage leads to (about 5 minutes)
#                 (`CAREHUB_DATA=folder` adds captures of others, at run time)
fuzz: setup
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[fuzz]' || echo "without atheris, so without coverage"
	$(BIN)/python -m tests.fuzz

## make histories    a million histories, a thousand days, planted bugs searched for afresh (about an hour)
histories: setup
	CAREHUB_HISTORIES=1000000 CAREHUB_DAYS=1000 $(BIN)/python -m pytest -s tests/unit/alerts/test_histories.py tests/simulation

# The README's picture, of an invented evening.
picture: setup tools
	@$(BIN)/python -m tests.browser.pictures

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
