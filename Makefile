.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[discord,telegram]' --group dev
	touch $@

install: $(VENV)/.installed ## create .venv with everything that is pinned

demo: install ## draw one picture with the embedded model, into demo.png
	$(BIN)/easel imagine "an orange cat on a green meadow" --seed 7 --out demo.png

chat: install ## talk to the bot in this terminal
	$(BIN)/easel chat

test: install ## run the whole test suite
	$(BIN)/pytest

lint: install ## formatting, lint, types, and the walls between the packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help install demo chat test lint format clean
