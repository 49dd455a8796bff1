"""`edgefeat doctor` on this machine."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefeat import FeatureExtractor, doctor
from edgefeat.engine.saturation import may_saturate
from edgefeat.installed.dependencies import DEPENDENCIES, installed
from edgefeat.installed.requirements import from_installation
from edgefeat.model.file import read_model_file
from edgefeat.pictures.formats import ImageFormat

Restamp = Callable[[Callable[[dict[str, Any]], None]], Path]

OPENCV = next(one for one in DEPENDENCIES if one.module == "cv2")
COMMAND = [sys.executable, "-P", "-m", "edgefeat", "doctor"]


def doctor_says(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=120, check=False
    )


def test_json_says_what_this_device_has() -> None:
    done = subprocess.run(
        [*COMMAND, "--json"], capture_output=True, text=True, timeout=120, check=False
    )
    report = json.loads(done.stdout)
    assert done.returncode == (3 if report["problems"] else 0), done.stderr
    assert report["versions"]["onnxruntime"] == metadata.version("onnxruntime")
    assert any(p["name"] == "cpu" and p["works"] for p in report["providers"])
    assert report["codecs"]["JPEG"] is report["codecs"]["BMP"] is True
    assert set(report["codecs"]) == set(ImageFormat)
    assert report["memory"]["total"] > report["memory"]["available"] > 2**25
    assert report["cpu"]["cores_usable"] >= 1
    assert report["cache"] == os.environ["EDGEFEAT_CACHE"]


def test_a_memory_limit_is_reported() -> None:
    limit, most = 800 * 2**20, resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = limit if most == resource.RLIM_INFINITY else min(limit, most)

    def set_limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))

    done = subprocess.run(
        [*COMMAND, "--json"], stdout=subprocess.PIPE, timeout=120, check=False, preexec_fn=set_limit
    )
    assert json.loads(done.stdout)["memory"]["limit"] <= limit


def test_text_is_for_people() -> None:
    done = doctor_says()
    assert "works: self-test passed: relative L2" in done.stdout
    assert done.stdout.endswith("nothing to put right\n") or "PROBLEM: " in done.stdout


def test_two_packages_of_one_module_are_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = installed(OPENCV)
    other = next(name for name in OPENCV.distributions if name not in builds)
    folder = tmp_path / f"{other.replace('-', '_')}-4.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {other}\nVersion: 4.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    both = installed(OPENCV)
    (problem,) = [p for p in doctor.examine().problems if "break each other" in p]
    named = " and ".join(f"{name} {version}" for name, version in both.items())
    bounds = from_installation()["opencv-python-headless"]
    assert problem == (
        f"{named} install the same module, cv2, and break each other. Run `pip uninstall "
        f"{' '.join(both)}`, then `pip install 'opencv-python-headless{bounds}'`, or install the "
        "one build that you need."
    )


def test_an_unusable_model_is_reported_not_raised(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"junk")
    done = subprocess.run(
        [*COMMAND, "--model", str(broken), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report["model"] is None
    assert "No execution provider passes the model's self-test." in report["problems"]


def test_a_cache_that_keeps_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFEAT_CACHE", "/proc/nowhere")  # where not even root can write
    assert doctor.examine().cache is None


def undeclared(spec: dict[str, Any]) -> None:
    del spec["quantization"]["pair_limit"]


@pytest.mark.parametrize(
    ("flags", "change", "saturates"),
    [
        ("avx2", {}, True),
        ("avx2 avx512f", {}, True),
        ("avx2 avx_vnni", {}, False),
        ("avx2 avx512_vnni", {}, False),
        ("avx2", {"precision": "fp32"}, False),
        ("avx2", {"extra": {"quantization": {"pair_limit": 254}}}, True),
        ("avx2", {"extra": {"quantization": {"pair_limit": 128}}}, False),
        ("avx2", {"extra": {"quantization": "unknown"}}, True),
    ],
)
def test_large_pairs_of_weights_saturate_on_x86_without_vnni_alone(
    flags: str, change: dict[str, Any], saturates: bool, tmp_path: Path, restamp: Restamp
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(f"flags\t\t: {flags}\n")
    spec = replace(read_model_file(restamp(undeclared)).spec, **change)
    assert may_saturate(spec, str(tmp_path)) is (saturates and platform.machine() == "x86_64")


def test_a_model_that_needs_slower_kernels_here_is_exact_and_a_problem(
    restamp: Restamp, extractor: FeatureExtractor, photos: Path
) -> None:
    path = restamp(undeclared)
    spec = read_model_file(path).spec
    with FeatureExtractor(path) as other:
        wanted = extractor.extract(photos / "coffee.jpg")
        np.testing.assert_array_equal(other.extract(photos / "coffee.jpg"), wanted)
    told = [p for p in doctor.examine(str(path)).problems if "--target any" in p]
    assert told == may_saturate(spec) * [
        "The model's int8 weights are for other CPUs: exact here, but slower than those that "
        "`edgefeat-export` makes with `--target any`."
    ]
