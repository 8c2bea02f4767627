# `make run` and `make test` do all the set-up they need.

PYTHON ?= python3
BIN := .venv/bin
export DO_NOT_TRACK := 1
# A process a core, four at most: each has a TensorFlow of its own.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
  --cov --cov-report=term

.PHONY: help venv run test test-all benchmark export lint format viz lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

venv: .venv/installed  ## Make the environment from requirements.lock

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: venv  ## Classify and explain data/01_raw/GALAXIES.zip, or else a simulated survey
	@if test -f data/01_raw/GALAXIES.zip; then \
	  $(BIN)/kedro run && \
	  echo "'make viz' shows how it was made."; \
	else \
	  echo "There is no archive at data/01_raw/GALAXIES.zip: this run is on SIMULATED galaxies."; \
	  echo "For your own, put a zip file there with the cut-outs, <CATAID>_giH.png, and the labels,"; \
	  echo "2class_list.csv with CATAID,TARGET."; \
	  $(BIN)/kedro run --env demo --pipelines demo && \
	  echo "These galaxies were SIMULATED. For your own, put GALAXIES.zip into data/01_raw."; \
	  echo "'.venv/bin/kedro viz run --env demo' shows how it was made."; \
	fi

export: venv  ## Write the trained classifier for other programs, as ONNX and SavedModel
	$(BIN)/kedro run --pipelines export

test: venv  ## Run the tests that are quick
	$(PYTEST)

test-all: venv  ## Run all tests
	$(PYTEST) -m "" --durations=25

benchmark: venv  ## Measure how fast it is, side by side with the original notebook (an hour)
	$(BIN)/python -m benchmarks $(ARGS)

lint: venv  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: venv  ## Put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

viz: venv  ## Open the pipelines in the browser
	$(BIN)/kedro viz run

lock: venv  ## Resolve requirements.lock anew
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet uv
	.venv/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --quiet --output-file requirements.lock

clean:  ## Remove the environment and everything that runs wrote, but not the archive
	rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .viz build dist
	rm -rf data/demo
	find data -type f -not -path '*/01_raw/*' -not -name .gitkeep -delete
	find data -mindepth 2 -type d -empty -delete
