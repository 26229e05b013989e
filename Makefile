.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FAST := not model and not crash and not e2e and not cluster and not world
# Three for two cores: tests of Ray and of other processes wait for those. On two quiet cores it saved a tenth of the time.
SIDE_BY_SIDE := --numprocesses=3 --dist=loadfile --no-loadscope-reorder

unexport PYTHONDONTWRITEBYTECODE # compiling the tests anew takes each of their processes four seconds

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo "Installing into $(VENV), which takes some minutes and says little."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[discord,telegram,api,cluster,openai,gpu,lora]' --group dev
	touch $@

install: $(VENV)/.installed ## create .venv with everything that is pinned

build/demo.toml:
	mkdir -p build
	printf '[storage]\nfolder = "demo"\n' > $@

demo: install build/demo.toml ## draw one picture with the embedded model, into demo.png
	$(BIN)/easel imagine "a panda on the beach" --seed 0 --out demo.png --config build/demo.toml

chat: install build/demo.toml ## talk to the bot in this terminal
	$(BIN)/easel chat --config build/demo.toml

test: install ## run the whole test suite (apt install chromium chromium-driver redis-server: a few tests skip without)
	$(MAKE) test-fast
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not ($(FAST))"

test-fast: install ## run the tests that need no model and no whole bot or process of their own, in about a minute
	$(MAKE) --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) fast-bot fast-rest

# Each of them takes half the time and imports only what it needs, less than workers that share all tests.

fast-bot:
	$(BIN)/pytest -m "$(FAST)" tests/bot

fast-rest:
	$(BIN)/pytest -m "$(FAST)" tests --ignore=tests/bot

coverage: install ## the whole suite, and which lines it never reaches
	$(BIN)/pytest --cov --cov-report=term

lint: install ## formatting, lint, types, and the walls between the packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.circles
	$(BIN)/python -m tools.seams
	$(BIN)/python tools/notices.py --check

lint-deploy: install ## hold deploy/, the workflow and the hooks against their schemas and linters
	PATH="$(CURDIR)/$(BIN):$$PATH" deploy/lint.sh

hooks: install ## check every commit before it is made
	$(BIN)/pre-commit install

format: install ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure against a plain loop, Gradio and threads; writes docs/benchmarks.*
	$(BIN)/pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks.bench

bench-storage: install ## measure the store
	$(BIN)/python -m benchmarks.storage

bench-api: install ## a minute of 64 clients of the HTTP API at once
	$(BIN)/python -m benchmarks.crowd

bench-cluster: install ## two Ray workers against one, what Ray adds, and ten minutes of killed workers; writes docs/benchmarks-cluster.*
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[cluster]' --group bench
	$(BIN)/python -m benchmarks.cluster speedup
	$(BIN)/python -m benchmarks.cluster overhead
	$(BIN)/python -m benchmarks.cluster chaos
	$(BIN)/python -m benchmarks.cluster_scale

simulate: install ## replay arrivals on the step times of real cards, with the real scheduler
	$(BIN)/python -m benchmarks.simulate

month: install ## simulate a month of 500 members; writes docs/month.png and checks the ledger twice
	$(BIN)/python -m benchmarks.month

crash: install ## kill the bot 500 times at its worst moments and look whether anything is lost
	$(BIN)/python -m tests.crash --kills 500
	$(BIN)/python -m tests.crash --kills 300 --shops

world: install ## live through 20,000 worlds in virtual time, each with faults drawn from its seed; SEEDS=0:20000
	$(BIN)/python -m tests.world $(or $(SEEDS),0:20000)

constraints: install ## write down the versions that are installed
	(echo "# What the tests ran with. Regenerate: make constraints"; \
	 $(BIN)/pip freeze --exclude-editable | sed 's/+cpu//') > constraints.txt

notices: install ## write THIRD_PARTY_NOTICES.md from what is installed
	$(BIN)/python tools/notices.py

reference: install ## write docs/configuration.md, docs/article.md and the tables of options and cards from the program
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.cards
	$(BIN)/python -m tools.article

drawings: install ## draw anew what the embedded model drew for the docs, after its weights have changed
	$(BIN)/python -m training.evaluate --sheet docs/contact-sheet.png
	$(BIN)/python -m tools.loras
	$(BIN)/python -m tools.edits
	$(BIN)/python -m tools.controls
	$(BIN)/python -m tools.chats

chats: install ## draw docs/chats.png, Easel in use, with the embedded model and Chromium
	$(BIN)/python -m tools.chats

control: install ## draw docs/control.png, pictures that follow outlines, with the embedded model
	$(BIN)/python -m tools.controls

pictures: install ## draw docs/pictures.png, what is drawn from pictures, with the embedded model
	$(BIN)/python -m tools.edits

page: install ## draw docs/page.png, the owner's page after a simulated month, with Chromium
	$(BIN)/python -m tools.page

wheel: install ## build the package, with the embedded model inside, into dist/
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove what was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: $(shell grep -oE '^[a-z-]+:' $(MAKEFILE_LIST) | tr -d ':')
