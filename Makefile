# Every target builds what it needs from a fresh clone with only python3, pip and make.
#   make demo    see it work             make check    format, lint, types
#   make test    every ordinary test     make test-all the whole list of backbones too
#   make models  rebuild models/         make bench    measure
#   make format  mend what check finds   make clean    remove what was built

PYTHON ?= python3
PIP_QUIET = --disable-pip-version-check --quiet
WHEEL = dist/runtime.stamp
DEMO = .venv/demo/installed.stamp
RUNTIME = .venv/runtime/installed.stamp
EXPORT = .venv/export/installed.stamp
SOURCES = $(shell find edgefeat tests/data/photos -type f -not -name '*.pyc') pyproject.toml \
  README.md LICENSE NOTICE models/efficientnet_lite0_224_int8.onnx

.PHONY: demo test test-all test-runtime test-rtsp test-constrained test-arm64 test-x86 test-export check format models bench clean bench-compare bench-peers bench-honesty docs test-lowest

demo: $(DEMO)
	.venv/demo/bin/python -m edgefeat.cli.demo -o out/demo.npz

test: test-runtime test-export

test-runtime: $(RUNTIME)
	EDGEFEAT_TEST_ENV=runtime .venv/runtime/bin/pytest tests/runtime tests/property

test-export: $(EXPORT)
	.venv/export/bin/pytest -m "not full" tests/export tests/contract tests/extras tests/docs

# As on a small device: one core, 256 MB of data a process, no network, nothing to write to.
test-constrained: $(RUNTIME)
	sh tests/constrained/run.sh "$(CURDIR)/.venv/runtime/bin/python"

# The real aarch64 wheels under emulation; needs qemu-user-static.
test-arm64: $(RUNTIME)
	PYTHON=$(PYTHON) .venv/runtime/bin/python tests/cpus/check.py arm64

# x86 CPUs with fewer instructions than this one has, emulated; needs qemu-user-static.
test-x86: $(RUNTIME)
	.venv/runtime/bin/python tests/cpus/check.py x86

# Against GStreamer's RTSP server, from Debian's packages named in tests/rtsp/rtsp_camera.py.
test-rtsp: $(RUNTIME)
	.venv/runtime/bin/pytest tests/rtsp

test-all: test-runtime $(EXPORT)
	.venv/export/bin/pytest tests/export tests/contract tests/extras tests/docs

check: $(EXPORT)
	.venv/export/bin/ruff format --check .
	.venv/export/bin/ruff check .
	PYTHONPATH=export .venv/export/bin/lint-imports
	MYPYPATH=export .venv/export/bin/mypy -p edgefeat -p edgefeat_export

format: $(EXPORT)
	.venv/export/bin/ruff format .
	.venv/export/bin/ruff check --fix .

models: $(EXPORT)
	.venv/export/bin/python -m edgefeat_export.pipeline.release models

# Speed: the suite, this checkout against BASE, the harness itself, and other runtimes.
BASE ?= main
PEERS = .venv/peers/installed.stamp

bench: $(EXPORT)
	mkdir -p out
	.venv/export/bin/pytest tests/bench --benchmark-only --benchmark-min-rounds=64 \
	  --benchmark-columns=median,iqr,min,rounds --benchmark-json=out/bench.json

bench-compare: $(EXPORT)
	.venv/export/bin/python tests/bench/compare_builds.py $(BASE)

bench-honesty: $(EXPORT)
	mkdir -p out
	.venv/export/bin/python tests/bench/bench_honesty.py -o out/honesty.json

bench-peers: $(PEERS)
	mkdir -p out
	.venv/peers/bin/python tests/bench/peers/compare_peers.py -o out/peers.json
	.venv/peers/bin/python tests/bench/peers/readme_table.py out/peers.json docs/measurements.md

$(PEERS): tests/bench/peers/requirements.txt $(EXPORT)
	$(PYTHON) -m venv --clear .venv/peers
	.venv/peers/bin/pip install $(PIP_QUIET) -e . -e ./export -r tests/bench/peers/requirements.txt
	-.venv/peers/bin/pip install $(PIP_QUIET) -r tests/bench/peers/requirements-ncnn.txt
	touch $@

# The runtime is tested as the wheel that users install, in an environment with nothing else.
$(WHEEL): $(SOURCES)
	rm -rf dist && mkdir dist
	$(PYTHON) -m pip wheel $(PIP_QUIET) --no-deps --wheel-dir dist .
	touch $@

$(DEMO): $(WHEEL)
	$(PYTHON) -m venv --clear .venv/demo
	.venv/demo/bin/pip install $(PIP_QUIET) dist/edgefeat-*.whl
	touch $@

$(RUNTIME): $(WHEEL)
	$(PYTHON) -m venv --clear .venv/runtime
	.venv/runtime/bin/pip install $(PIP_QUIET) "$$(ls dist/edgefeat-*.whl)[test]"
	touch $@

$(EXPORT): pyproject.toml export/pyproject.toml models/efficientnet_lite0_224_int8.onnx
	$(PYTHON) -m venv --clear .venv/export
	.venv/export/bin/pip install $(PIP_QUIET) -e ".[test,test-extras]" -e "./export[test,reduce,calibration]"
	touch $@

# The documentation site, in out/docs. A broken link or reference fails.
DOCS = .venv/docs/installed.stamp

docs: $(DOCS)
	PYTHONPATH=. .venv/docs/bin/sphinx-build --fail-on-warning --keep-going --quiet docs out/docs
	@echo "open out/docs/index.html"

$(DOCS): docs/requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv/docs
	.venv/docs/bin/pip install $(PIP_QUIET) -r docs/requirements.txt -e ".[sklearn]"
	touch $@

# The lowest versions that both pyproject files allow, where newest ones would hide a need.
LOWEST = .venv/lowest/installed.stamp
LOWEST_EXPORT = .venv/lowest-export/installed.stamp

test-lowest: $(LOWEST) $(LOWEST_EXPORT)
	.venv/lowest/bin/pytest tests/runtime tests/property
	.venv/lowest-export/bin/edgefeat-export build mobilenet --weights none --alpha 0.25 --size 96 -o out/lowest
	.venv/lowest-export/bin/edgefeat info out/lowest/mobilenet_025_96_fp32.onnx --self-test

$(LOWEST): $(WHEEL)
	$(PYTHON) -m venv --clear .venv/lowest
	.venv/lowest/bin/pip install $(PIP_QUIET) uv
	.venv/lowest/bin/uv pip install --quiet --python .venv/lowest/bin/python --resolution lowest-direct \
	  "$$(ls dist/edgefeat-*.whl)[test]"
	touch $@

$(LOWEST_EXPORT): pyproject.toml export/pyproject.toml
	$(PYTHON) -m venv --clear .venv/lowest-export
	.venv/lowest-export/bin/pip install $(PIP_QUIET) uv
	.venv/lowest-export/bin/uv pip install --quiet --python .venv/lowest-export/bin/python \
	  --resolution lowest-direct -e . -e "./export[calibration]"
	touch $@

clean:
	rm -rf .venv dist out build .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
