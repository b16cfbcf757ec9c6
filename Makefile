# Two commands on a bare Debian with Python 3.11: `make demo` and `make test`.
# Each does its own set-up; nothing outside this folder is touched but missing Debian packages.

PYTHON ?= python3
VENV := .venv
# what is installed: enough to run, or the tools of tests and checks too
RUN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
COMPILE := $(VENV)/bin/python -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
  --no-annotate --no-header --python-version 3.11

.PHONY: setup dev demo test test-image image browser test-programs check check-python check-types check-sql test-slow bench docs screenshots texts lock audit wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         a sandbox portal, synced, modelled and shown, with the Dagster UI"
	@echo "make test         every test and check"
	@echo "make setup        .venv with the b24 command"
	@echo "make dev          the same, and the tools of tests and checks"
	@echo "make check        format, lint, types, borders, SQL"
	@echo "make test-slow    the long runs: random kills, memory, big portals"
	@echo "make image        the image of all services, by docker, podman or buildah"
	@echo "make test-image   the image, built and run, and the services of the compose file; as root on Debian"
	@echo "make bench        speed, side by side with other clients"
	@echo "make docs         docs/tables.md out of the database, docs/img/floors.svg out of the code"
	@echo "make texts        the catalogues of translations, out of the templates"
	@echo "make screenshots  docs/img/*.png, the pages of the demo"
	@echo "make lock         both lock files, out of pyproject.toml"
	@echo "make wheel        dist/*.whl, to install without a checkout"
	@echo "make audit        known vulnerabilities of the locked packages"

setup: $(RUN)

dev: $(DEV)

# where the tools are installed they stay
$(RUN): requirements.lock pyproject.toml
	@deploy/install.sh $(PYTHON) $(VENV) requirements$(if $(wildcard $(DEV)),-dev).lock
	@touch $@ $(wildcard $(DEV))

$(DEV): requirements-dev.lock requirements.lock pyproject.toml
	@deploy/install.sh $(PYTHON) $(VENV) requirements-dev.lock
	@touch $(RUN) $@

demo: setup
	$(VENV)/bin/b24 demo $(OPTIONS)

test: dev browser test-programs check
	$(VENV)/bin/pytest -m "not slow and not image" -n 2 --dist worksteal

test-slow: dev
	$(VENV)/bin/pytest -m "slow and not image" --timeout 3600

# as root on Debian: builds the image on a base of Debian's packages and runs it; starts all services of the compose file
test-image: dev
	@deploy/test_programs.sh buildah debootstrap caddy redis-server
	$(VENV)/bin/pytest -m image tests/acceptance/deploy

image:
	@deploy/image.sh

browser:
	@deploy/browser.sh

test-programs:
	@deploy/test_programs.sh openssl pgbouncer postgresql prometheus redis-server

# mypy works on one core only: the SQL is read beside it
check: dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync check-python check-types check-sql

check-python:
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports

check-types:
	$(VENV)/bin/mypy

check-sql:
	PYTHONWARNINGS=ignore $(VENV)/bin/sqlfluff lint --processes 2 --disable-progress-bar dbt_like_sql migrations b24_pipeline

bench: dev
	$(VENV)/bin/python -m benchmarks

docs: dev
	$(VENV)/bin/python docs/generate_tables.py
	$(VENV)/bin/python docs/generate_answers.py
	$(VENV)/bin/python docs/draw_floors.py

screenshots: dev browser
	$(VENV)/bin/python docs/photograph_demo.py

texts: dev
	$(VENV)/bin/python docs/collect_texts.py

# all of it first, then the part that running needs, at the same versions
lock: setup
	$(COMPILE) --extra celery --extra dbt --extra kubernetes --group dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group setup --constraint requirements-dev.lock pyproject.toml -o requirements.lock
	$(COMPILE) --extra kubernetes --group setup --constraint requirements-dev.lock pyproject.toml -o deploy/kubernetes.lock
	$(COMPILE) --extra celery --group setup --constraint requirements-dev.lock pyproject.toml -o deploy/celery.lock
	$(COMPILE) --group image -o deploy/sbom.lock

wheel: setup
	$(VENV)/bin/python -m hatchling build -t wheel

audit: dev
	$(VENV)/bin/pip-audit --disable-pip --require-hashes -r requirements-dev.lock

clean:
	rm -rf $(VENV) .b24
