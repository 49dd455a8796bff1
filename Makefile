# Every target builds what it needs from a fresh clone with only python3, pip and make.
# The text after `##` is what `make help` says of a target.

PYTHON ?= python3
PIP_QUIET = --disable-pip-version-check --quiet
WHEEL = dist/runtime.stamp
DEMO = .venv/demo/installed.stamp
RUNTIME = .venv/runtime/installed.stamp
EXPORT = .venv/export/installed.stamp
SOURCES = $(shell find edgefeat tests/data/photos -type f -not -name '*.pyc') pyproject.toml \
  README.md LICENSE NOTICE models/efficientnet_lite0_224_int8.onnx

.PHONY: $(shell sed -n "s/^\([a-z0-9-]*\):.* \#\# .*/\1/p" Makefile)

help: ## this list
	@sed -n "s/^\([a-z0-9-]*\):.* ## \(.*\)/\1\t\2/p" $(MAKEFILE_LIST) | expand -t 18

demo: $(DEMO) ## see it work, without TensorFlow: 110 MB of downloads
	.venv/demo/bin/python -m edgefeat.cli.demo -o out/demo.npz

test: test-runtime test-export ## every ordinary test, on the device and on the workstation

test-runtime: $(RUNTIME) ## the device package's tests on the built wheel; no TensorFlow
	EDGEFEAT_TEST_ENV=runtime .venv/runtime/bin/pytest tests/runtime tests/property

test-export: $(EXPORT) ## the exporter's tests, with TensorFlow: 3.3 GB on disk
	.venv/export/bin/pytest -m "not full" tests/export tests/contract tests/extras tests/docs

# 100,000 damaged pictures in bounded processes, about ten minutes; `make test` takes 3,000.
fuzz: $(RUNTIME)  ## decode 100,000 damaged pictures
	nice .venv/runtime/bin/python tests/fuzz/fuzz_pictures.py -n 100000 -o out/fuzz

# As on a small device: one core, 256 MB of data a process, no network, nothing to write to.
test-constrained: $(RUNTIME) ## the runtime on one core with 256 MB, no network, no home to write to
	sh tests/constrained/run.sh "$(CURDIR)/.venv/runtime/bin/python"

# The real aarch64 wheels under emulation; needs qemu-user-static.
test-arm64: $(RUNTIME) ## the same vectors on emulated 64-bit Arm; needs qemu-user-static
	PYTHON=$(PYTHON) .venv/runtime/bin/python tests/cpus/check.py arm64
	PYTHON=$(PYTHON) .venv/runtime/bin/python tests/cpus/check.py arm64 --decoders
	PYTHON=$(PYTHON) .venv/runtime/bin/python tests/cpus/check.py arm64 --sources
	PYTHON=$(PYTHON) .venv/runtime/bin/python tests/cpus/check.py arm64 --taught

# x86 CPUs with fewer instructions than this one has, emulated; needs qemu-user-static.
test-x86: $(RUNTIME) ## the same vectors on emulated older x86; needs qemu-user-static
	.venv/runtime/bin/python tests/cpus/check.py x86
	.venv/runtime/bin/python tests/cpus/check.py x86 --decoders
	.venv/runtime/bin/python tests/cpus/check.py x86 --sources
	.venv/runtime/bin/python tests/cpus/check.py x86 --taught

# A Ray cluster of two nodes, a Spark cluster of two executors and an S3 server, all on loopback.
# Without Java it says what to install; Debian's default-jre-headless is enough. The engines' own
# warnings about what they will drop say nothing about ours.
SCALE = .venv/scale/installed.stamp

test-scale: $(SCALE) ## parts on Ray, Spark and S3 with workers killed; needs Java (5 minutes, 1.5 GB)
	.venv/scale/bin/pytest -W ignore::DeprecationWarning -W ignore::FutureWarning tests/scale

$(SCALE): tests/scale/requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv/scale
	.venv/scale/bin/pip install $(PIP_QUIET) -e ".[test,remote]" -r tests/scale/requirements.txt
	touch $@

# Needs an NVIDIA GPU with its driver, and fails where there is none. Both builds of ONNX Runtime
# install the same folder, so the one for the CPU has to go first.
CUDA = .venv/cuda/installed.stamp

test-cuda: $(CUDA) ## the runtime on an NVIDIA GPU (1 GB of downloads)
	.venv/cuda/bin/pytest tests/cuda

$(CUDA): $(WHEEL)
	$(PYTHON) -m venv --clear .venv/cuda
	.venv/cuda/bin/pip install $(PIP_QUIET) "$$(ls dist/edgefeat-*.whl)[test]"
	.venv/cuda/bin/pip uninstall $(PIP_QUIET) --yes onnxruntime
	.venv/cuda/bin/pip install $(PIP_QUIET) "onnxruntime-gpu[cuda,cudnn]"
	touch $@

test-browser: $(RUNTIME) ## contact sheets and maps in Chromium
	.venv/runtime/bin/pytest tests/browser

# The recipes of docs/stores, each with the store that it fills.
STORES = .venv/stores/installed.stamp

test-stores: $(STORES) ## the recipes of docs/stores, each with its store (minutes: 400 MB to install)
	.venv/stores/bin/pytest tests/stores

$(STORES): tests/stores/requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv/stores
	.venv/stores/bin/pip install $(PIP_QUIET) -e ".[test]" -r tests/stores/requirements.txt
	touch $@

# Heads of LightGBM and XGBoost; the exporter without TensorFlow, which these do not need.
BOOSTERS = .venv/boosters/installed.stamp

test-boosters: $(BOOSTERS) ## heads of LightGBM and XGBoost (a minute; 700 MB to install)
	.venv/boosters/bin/pytest tests/boosters

$(BOOSTERS): tests/boosters/requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv/boosters
	.venv/boosters/bin/pip install $(PIP_QUIET) -e ".[test,sklearn]" pandas -r tests/boosters/requirements.txt
	.venv/boosters/bin/pip install $(PIP_QUIET) --no-deps -e ./export
	touch $@

# Int8 graphs built on this CPU, with older CPUs' kernels, and on emulated CPUs.
test-builds: $(EXPORT) ## the same int8 graphs from emulated older x86; needs qemu-user-static
	.venv/export/bin/python tests/cpus/builds.py --emulate x86

# What runs within one process, on an x86 CPU with AVX2 and no more. Children would not be emulated.
EMULATED = EDGEFEAT_CACHE=off OPENBLAS_NUM_THREADS=1 qemu-x86_64-static -cpu Haswell
test-emulated: $(RUNTIME) $(EXPORT) ## tests of pictures, models and int8 on an emulated CPU with AVX2 only
	EDGEFEAT_TEST_ENV=runtime $(EMULATED) .venv/runtime/bin/python -m pytest \
	  tests/runtime/model tests/runtime/measures tests/runtime/options tests/runtime/many \
	  tests/runtime/pictures tests/runtime/test_extractor.py tests/runtime/test_outputs.py tests/property
	$(EMULATED) .venv/export/bin/python -m pytest tests/export/quant/test_exact.py \
	  tests/export/quant/test_sums.py tests/export/quant/test_parts.py

# Against GStreamer's RTSP server, from Debian's packages named in tests/rtsp/rtsp_camera.py.
test-rtsp: $(RUNTIME) ## streams against GStreamer's RTSP server
	.venv/runtime/bin/pytest tests/rtsp

# From Debian: apt-get install ustreamer motion ffmpeg nginx gcc libc6-dev systemd docker-compose
test-cameras: $(RUNTIME) ## streams against real servers, USB cameras by Video4Linux, a year in miniature
	.venv/runtime/bin/pytest tests/cameras
	.venv/runtime/bin/python tests/cameras/year.py

# Keras 2 writes fourteen networks in three formats, in a process of its own.
test-keras2: $(EXPORT) ## networks as Keras 2 saves them, in every format
	.venv/export/bin/pytest tests/keras2

test-all: test-runtime $(EXPORT) ## `make test`, and every backbone of the catalogue
	.venv/export/bin/pytest tests/export tests/contract tests/extras tests/docs

check: $(EXPORT) ## format, lint, floors of the house, types of packages and tests, words
	.venv/export/bin/ruff format --check .
	.venv/export/bin/ruff check .
	PYTHONPATH=export .venv/export/bin/lint-imports
	MYPYPATH=export .venv/export/bin/mypy -p edgefeat -p edgefeat_export
	.venv/export/bin/mypy --config-file tests/mypy.ini tests
	.venv/export/bin/pytest -q tests/docs/test_words.py

format: $(EXPORT) ## mend the format, and what lint can mend
	.venv/export/bin/ruff format .
	.venv/export/bin/ruff check --fix .

models: $(EXPORT) ## rebuild models/ from the published weights
	.venv/export/bin/python -m edgefeat_export.pipeline.release models

levels: $(EXPORT) ## measure anew what a cosine means, in the files of models/ that say it
	.venv/export/bin/python -m edgefeat_export.pipeline.release models --levels

# Speed: the suite, this checkout against BASE, the harness itself, and other runtimes.
BASE ?= main
PEERS = .venv/peers/installed.stamp

bench: $(EXPORT) ## the suite of benchmarks; writes out/bench.json
	mkdir -p out
	.venv/export/bin/pytest tests/bench --benchmark-only --benchmark-min-rounds=64 \
	  --benchmark-columns=median,iqr,min,rounds --benchmark-json=out/bench.json

bench-compare: $(EXPORT) ## this checkout against another: BASE=main
	.venv/export/bin/python tests/bench/compare_builds.py $(BASE)

bench-honesty: $(EXPORT) ## how often `bench --compare` is wrong
	mkdir -p out
	.venv/export/bin/python tests/bench/bench_honesty.py -o out/honesty.json

bench-peers: $(PEERS) ## the same network in other runtimes; writes the table in docs/measurements.md
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
	@echo "downloading NumPy, ONNX Runtime and OpenCV (110 MB) into .venv/demo (320 MB)"
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

docs: $(DOCS) ## the documentation site, in out/docs; a broken link fails
	PYTHONPATH=. .venv/docs/bin/sphinx-build --fail-on-warning --keep-going --quiet docs out/docs
	@echo "open out/docs/index.html"

$(DOCS): docs/requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv/docs
	.venv/docs/bin/pip install $(PIP_QUIET) -r docs/requirements.txt -e ".[sklearn]"
	touch $@

# The oldest versions that both pyproject files allow: newest ones would hide what is needed.
# PYTHON chooses the version of Python. Only wheels count: an old version without one is passed over.
LOWEST = .venv/lowest/installed.stamp
LOWEST_EXPORT = .venv/lowest-export/installed.stamp
OLDEST = uv pip compile --quiet --resolution lowest-direct --only-binary :all: --find-links dist

# A bundle's frames on this CPU, on older x86 and on 64-bit Arm, against the model's own features.
test-bundles: $(EXPORT) ## bundles on emulated CPUs; needs qemu-user-static
	rm -rf build/bundles
	.venv/export/bin/python -m edgefeat_export bundle models/efficientnet_lite0_224_int8.onnx --pixels bgr \
		--frame 320x240 --frame 640x480 --frame 1280x720 --frame 1920x1080 -o build/bundles/
	.venv/export/bin/python tests/cpus/check.py x86 --bundles build/bundles
	PYTHON=$(PYTHON) .venv/export/bin/python tests/cpus/check.py arm64 --bundles build/bundles

CLIENT_TOOLS := .venv/clients
ORT_HEADERS := http://deb.debian.org/debian/pool/main/o/onnxruntime/libonnxruntime-dev_1.21.0+dfsg-1_amd64.deb

# Node.js, Chromium, g++ (and Go, Java, Rust where they are) against edgefeat's own features.
test-clients: $(EXPORT) $(CLIENT_TOOLS)/installed.stamp ## programs in other languages; needs node, npm, chromium, g++
	EDGEFEAT_CLIENT_TOOLS=$(abspath $(CLIENT_TOOLS)) .venv/export/bin/pytest tests/clients

$(CLIENT_TOOLS)/installed.stamp:
	mkdir -p $(CLIENT_TOOLS)
	cd $(CLIENT_TOOLS) && ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install --no-audit --no-fund \
		onnxruntime-node@1.30.0 onnxruntime-web@1.30.0 playwright-core@1.64.1
	cd $(CLIENT_TOOLS) && curl -fsSo headers.deb $(ORT_HEADERS) && dpkg-deb -x headers.deb headers
	ln -sfn headers/usr/include/onnxruntime $(CLIENT_TOOLS)/include
	touch $@

# Old packages warn about newer ones that they stand on; that says nothing about ours.
test-lowest: $(LOWEST) $(LOWEST_EXPORT) ## both packages with the oldest versions that they allow
	EDGEFEAT_TEST_ENV=runtime .venv/lowest/bin/pytest tests/runtime tests/property
	.venv/lowest-export/bin/pytest -m "not full" -W ignore::DeprecationWarning tests/export tests/contract tests/extras

$(LOWEST): $(WHEEL) pyproject.toml
	$(PYTHON) -m venv --clear .venv/lowest
	.venv/lowest/bin/pip install $(PIP_QUIET) uv
	.venv/lowest/bin/$(OLDEST) pyproject.toml --extra test \
	  --python .venv/lowest/bin/python -o .venv/lowest/oldest.txt
	.venv/lowest/bin/pip install $(PIP_QUIET) -r .venv/lowest/oldest.txt dist/edgefeat-*.whl
	.venv/lowest/bin/pip list --disable-pip-version-check
	touch $@

$(LOWEST_EXPORT): $(WHEEL) pyproject.toml export/pyproject.toml
	$(PYTHON) -m venv --clear .venv/lowest-export
	.venv/lowest-export/bin/pip install $(PIP_QUIET) uv
	.venv/lowest-export/bin/$(OLDEST) pyproject.toml export/pyproject.toml --extra test \
	  --extra test-extras --extra reduce --extra calibration \
	  --python .venv/lowest-export/bin/python -o .venv/lowest-export/oldest.txt
	.venv/lowest-export/bin/pip install $(PIP_QUIET) --find-links dist \
	  -r .venv/lowest-export/oldest.txt
	.venv/lowest-export/bin/pip install $(PIP_QUIET) --no-deps -e . -e ./export
	.venv/lowest-export/bin/pip list --disable-pip-version-check
	touch $@

clean: ## remove what was built
	rm -rf .venv dist out build .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
