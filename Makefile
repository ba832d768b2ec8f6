# Two commands do everything: `make demo` ends in a running study, `make test` in passed tests.

PYTHON ?= python3
BIN := .venv/bin
CONSTRAINTS ?= constraints-cpu.txt
STAMP := .venv/.installed

.PHONY: install demo test check proofs benchmarks pocket clean

install: $(STAMP)

$(STAMP): pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	touch $@

demo: install
	$(BIN)/idemtui demo

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/pytest

proofs: install
	$(BIN)/pytest -m proof --timeout 2400

benchmarks: install
	$(BIN)/pytest -m benchmark -s --timeout 2400 tests/benchmarks

pocket: install
	$(BIN)/python -m engine.pocket.build

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
