"""edgefeat on an NVIDIA GPU: `make test-cuda`, which fails where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import copy
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor
from edgefeat.engine.session import available_providers
from edgefeat.errors import ProviderWarning

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
FP32 = MODELS / "efficientnet_lite0_224_fp32.onnx"
INT8 = MODELS / "efficientnet_lite0_224_int8.onnx"
PHOTOS = sorted((ROOT / "tests" / "data" / "photos").glob("*.jpg"))
# Sums in another order; TF32 would be at 1e-3.
NEAR = 1e-5


def on_cuda(model: Path = FP32) -> FeatureExtractor:
    return FeatureExtractor(model, providers=["cuda", "cpu"], strict=True)


def opened_by_auto(model: Path) -> FeatureExtractor:
    extractor = FeatureExtractor(model, providers="auto")
    extractor.extract(PHOTOS[0])
    return extractor


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgefeat", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False
    )


def relative_l2(features: edgefeat.arrays.Features, expected: edgefeat.arrays.Features) -> float:
    return float(np.linalg.norm(features - expected) / np.linalg.norm(expected))


def test_a_gpu_is_there() -> None:
    assert "cuda" in available_providers()
    with on_cuda() as gpu:
        assert gpu.providers[0] == "cuda"


def test_its_features_are_those_of_keras_and_of_the_cpu() -> None:
    with on_cuda() as gpu, FeatureExtractor(FP32) as cpu:
        assert gpu.self_test()
        for photo in PHOTOS:
            assert relative_l2(gpu.extract(photo), cpu.extract(photo)) <= NEAR
        assert gpu.fingerprint == cpu.fingerprint


def test_a_batch_is_its_pictures() -> None:
    with on_cuda() as gpu:
        alone = np.stack([gpu.extract(photo) for photo in PHOTOS])
        together = gpu.extract_batch(PHOTOS * 6, workers=4)
        assert gpu.usual_batch == 16
    assert relative_l2(together, np.tile(alone, (6, 1))) <= NEAR


def test_the_same_picture_twice_gives_the_same_bits() -> None:
    with on_cuda() as gpu:
        first, second = gpu.extract(PHOTOS[0]), gpu.extract(PHOTOS[0])
    np.testing.assert_array_equal(first, second)


def test_auto_takes_it() -> None:
    with FeatureExtractor(FP32, providers="auto") as extractor:
        assert extractor.providers[0] == "cuda"


def test_auto_keeps_int8_where_it_has_the_bits_of_every_cpu() -> None:
    with pytest.warns(ProviderWarning, match="not the bits that every CPU gives"):
        auto = opened_by_auto(INT8)
    assert auto.providers == ("cpu",)
    with auto, FeatureExtractor(INT8) as cpu, on_cuda(INT8) as named:
        np.testing.assert_array_equal(auto.extract(PHOTOS[0]), cpu.extract(PHOTOS[0]))
        assert named.self_test()
        assert relative_l2(named.extract(PHOTOS[0]), cpu.extract(PHOTOS[0])) <= 0.05


def test_unloaded_and_copied_it_opens_again() -> None:
    with on_cuda() as gpu:
        before = gpu.extract(PHOTOS[0])
        gpu.unload()
        np.testing.assert_array_equal(gpu.extract(PHOTOS[0]), before)
        with copy(gpu) as other:
            assert other.providers == gpu.providers


def test_the_command_takes_it(tmp_path: Path) -> None:
    done = run(
        "extract", str(PHOTOS[0].parent), "-o", str(tmp_path / "f.npz"), "--model", str(FP32),
        "--providers", "cuda,cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(edgefeat.FeatureSet.read(tmp_path / "f.npz")) == len(PHOTOS)


def test_doctor_proves_it() -> None:
    done = run("doctor", "--json", "--model", str(FP32))
    assert done.returncode == 0, done.stderr
    reports = {one["name"]: one["works"] for one in json.loads(done.stdout)["providers"]}
    assert reports["cuda"] is True


def test_bench_measures_it(tmp_path: Path) -> None:
    done = run(
        "bench", "--model", str(FP32), "--providers", "cuda", "--duration", "1",
        "--processes", "2", "--json", str(tmp_path / "bench.json"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_hidden_gpu_is_an_error_or_a_warning() -> None:
    code = (
        "import edgefeat, sys; "
        "fx = edgefeat.FeatureExtractor(sys.argv[1], providers=['cuda', 'cpu'], "
        "strict=sys.argv[2] == 'strict'); print(fx.providers)"
    )
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    strict, lenient = (
        subprocess.run(
            [sys.executable, "-c", code, str(FP32), how],
            capture_output=True, text=True, env=hidden, check=False,
        )
        for how in ("strict", "lenient")
    )  # fmt: skip
    assert strict.returncode == 1
    assert "ProviderError" in strict.stderr
    assert lenient.returncode == 0, lenient.stderr
    assert lenient.stdout == "('cpu',)\n"
    assert "ProviderWarning" in lenient.stderr


@pytest.mark.parametrize("count", [1, 3, 17])
def test_odd_batches_follow_each_other(count: int) -> None:
    shape = (count, 224, 224, 3)
    pictures = np.random.default_rng(count).integers(0, 256, shape, np.uint8)
    with on_cuda() as gpu, FeatureExtractor(FP32) as cpu:
        gpu.extract_prepared(pictures[:1])
        assert (
            relative_l2(gpu.extract_prepared(pictures), cpu.extract_prepared(pictures)) <= NEAR * 10
        )
