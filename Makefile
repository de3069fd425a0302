# A thin alias: set-up, one run at a time, unlock what a killed run left, then the plain command.
# `make all` is `snakemake all` on the demo; everything else is said to snakemake itself.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
CORES ?= 2
ARGS ?=
GPUS := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | wc -l || echo 0)
MARK ?= not slow and not ci
WORKERS ?= --numprocesses=auto --maxprocesses=4 --dist=loadscope --no-loadscope-reorder
PYTHON_ := .venv/bin/python
SNAKEMAKE := $(PYTHON_) -m snakemake

.PHONY: all test test-all setup lint format bench docs lock where clean

all: setup  ## set-up and the whole demo; ARGS, more targets first, are passed on to snakemake
	@mkdir -p .snakemake; exec 9>.snakemake/make.lock; \
	flock --nonblock 9 || { echo "make: another 'make all' is running in this folder; wait for it or stop it." >&2; exit 1; }; \
	$(SNAKEMAKE) --unlock --quiet all --cores $(CORES) $(ARGS); \
	$(PYTHON_) workflow/scripts/fork_jobs.py --resources gpu=$(GPUS) --cores $(CORES) all $(ARGS); \
	$(PYTHON_) workflow/scripts/summarise_run.py

test: setup  ## what a contributor runs while working; MARK="not slow" adds what CI runs too
	$(PYTHON_) -m pytest $(WORKERS) -m "$(MARK)"

test-all: setup  ## every test
	$(PYTHON_) -m pytest $(WORKERS)

lint: setup  ## formatting, style, types, workflow
	$(PYTHON_) -m ruff check .
	$(PYTHON_) -m ruff format --check .
	$(PYTHON_) -m mypy
	.venv/bin/snakefmt --check Snakefile workflow/rules
	$(PYTHON_) envs/write_envs.py --check
	$(SNAKEMAKE) --lint

format: setup  ## format the code
	$(PYTHON_) -m ruff check --fix-only .
	$(PYTHON_) -m ruff format .
	.venv/bin/snakefmt Snakefile workflow/rules

setup:  ## system programs and .venv
	@bash envs/setup.sh

bench: setup  ## side-by-side performance
	for program in benchmarks/*.py; do $(PYTHON_) "$$program"; done

docs:  ## the documentation as a site, site/index.html, in an environment of its own; a dead link is an error
	@bash docs/build.sh

lock:  ## requirements.txt and envs/*.yaml from requirements.in, resolved again
	bash envs/lock.sh

where:  ## file, row, rule, program and sentences of a number: make where KEY=exchange.weighted
	@$(PYTHON_) workflow/scripts/where_number.py '$(KEY)'

clean:  ## remove what the demo made, bought answers excepted
	rm -rf results logs resources/corpora resources/models resources/state paper/figures paper/tables
	rm -f paper/main.pdf paper/supplement.pdf paper/numbers.tex paper/numbers.json
