# `make up` and `make test` need Python 3.11 or newer, make and git; nothing else has to be installed before.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

STRIPE := $(shell command -v stripe)
APT := apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq

.PHONY: up test check bench figures chaos lock sbom format gallery texts clean install install-test browser hosts npm stripe clients

up: install  ## install and start the shop with the sample catalogue
	$(BIN)/kassa up --sample $(ARGS)

# Three at a time even on two cores, for tests wait, too: so both are busy for five sixths of the time. Where Python
# keeps nothing that it has compiled (PYTHONDONTWRITEBYTECODE), each of the hundreds of processes that tests start
# would compile the shop anew.
test: install-test browser hosts stripe clients  ## install what the tests need, and run them all
	$(BIN)/python -m compileall -q src
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# The quick tests: the rules and the services on a hand-set clock; no servers, no browser.
QUICK := tests/domain tests/kit tests/tidy tests/trade

check: install-test  ## lint, types, boundaries and the quick tests: under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 -m "not slow and not browser" $(QUICK) $(ARGS)

bench: install-test  ## the benchmarks; one JSON line each
	$(BIN)/python -m bench $(ARGS)

# Half an hour, on a machine that does nothing else.
figures: install-test  ## measure everything anew, and write docs/performance.md
	$(BIN)/python -m bench --seconds 30 $(ARGS) > docs/figures.new
	mv docs/figures.new docs/figures.jsonl
	$(BIN)/python docs/generate.py

chaos: install-test hosts  ## real processes on real stores, troubled at random and audited: ARGS="--runs 500 --trouble kill"
	$(BIN)/python -m tests.chaos $(ARGS)

gallery: install-test browser  ## pictures of the pages, and what a phone waits for: docs/gallery.md
	$(BIN)/python -m tests.journey.gallery

texts: install-test  ## bring what is new in the storefront's texts into the catalogues of its languages
	$(BIN)/python -m tests.pages.texts

format: install-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Kassa needs Python 3.11, 3.12 or 3.13: call make with PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A lock is whole: nothing but what it names is installed.
LOCKED := $(PIP) install --require-hashes --no-deps

$(VENV)/.installed: $(VENV)/bin/python requirements/build.txt requirements/run.txt pyproject.toml
	$(LOCKED) -r requirements/build.txt -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed requirements/test.txt
	$(LOCKED) -r requirements/test.txt
	@touch $@

browser:
ifeq ($(CHROMIUM),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  $(APT) chromium >/dev/null; \
	else \
	  echo "The browser tests need Chromium: install it (Debian: apt-get install chromium), then call make test again"; \
	  exit 1; \
	fi
endif

# What makes the hosts and the container engine of the tests, which need root.
hosts: npm
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  PATH=$$PATH:/usr/sbin; \
	  command -v ip >/dev/null && command -v mmdebstrap >/dev/null || $(APT) --no-install-recommends debian-archive-keyring iproute2 mmdebstrap >/dev/null; \
	fi

npm:
	@if ! command -v npm >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  $(APT) npm >/dev/null; \
	fi

stripe: npm
ifeq ($(STRIPE),)
	@mkdir -p $(VENV)/stripe && cp tests/sandbox/cli/package*.json $(VENV)/stripe/
	@npm ci --prefix $(VENV)/stripe --no-audit --no-fund --loglevel=error >/dev/null \
	  || { echo "The tests run Stripe's command line: put stripe on the PATH, or install npm (on Linux, x86-64)"; exit 1; }
endif

CLIENTS := $(VENV)/clients
clients: $(CLIENTS)/.installed

# The generators are apart from Kassa's own packages: they want other versions of some.
$(CLIENTS)/.installed: $(VENV)/bin/python tests/clients/package-lock.json tests/clients/requirements.txt | npm
	@mkdir -p $(CLIENTS) && cp tests/clients/package*.json $(CLIENTS)/
	@npm ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null \
	  || { echo "The tests lint the API's description and generate clients of it: install npm"; exit 1; }
	$(BIN)/python -m venv $(CLIENTS)/python
	$(CLIENTS)/python/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r tests/clients/requirements.txt
	@touch $@

# What Litestar wants only to make up examples in a description, which Kassa never asks it for, is left out.
LOCK := $(BIN)/pip-compile -q --generate-hashes --no-header --no-emit-index-url --no-emit-trusted-host \
  --no-emit-find-links --no-allow-unsafe --unsafe-package polyfactory --unsafe-package faker --strip-extras

lock: install-test  ## renew requirements/*.txt from pyproject.toml
	$(PIP) install pip-tools
	$(LOCK) -o requirements/run.txt pyproject.toml
	$(LOCK) --extra simulation --extra test --all-build-deps -c requirements/run.txt -o requirements/test.txt pyproject.toml
	$(LOCK) --only-build-deps --all-build-deps -c requirements/test.txt -o requirements/build.txt pyproject.toml

sbom: install-test  ## what the image is made of, of Python's packages (CycloneDX): sbom.json
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o sbom.json requirements/run.txt

clean:
	rm -rf $(VENV) .kassa
