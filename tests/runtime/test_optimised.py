"""The cache of optimised models: same vectors, never in the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefeat import FeatureExtractor

PICTURE = np.random.default_rng(3).integers(0, 256, (300, 400, 3), np.uint8)
Restamp = Callable[[Callable[[dict[str, Any]], None]], Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGEFEAT_CACHE", str(folder))
    return folder


def features(model: Path, *, cache: bool = True) -> np.ndarray:
    with FeatureExtractor(model, cache=cache) as extractor:
        return extractor.extract(PICTURE)


def test_the_first_start_keeps_a_file_and_the_second_gives_the_same_vector(
    cache: Path, model_path: Path
) -> None:
    plain = features(model_path, cache=False)
    assert not cache.exists()
    assert np.array_equal(features(model_path), plain)
    (kept,) = cache.iterdir()
    written = kept.stat().st_mtime_ns
    assert np.array_equal(features(model_path), plain)
    assert [path.stat().st_mtime_ns for path in cache.iterdir()] == [written]


@pytest.mark.parametrize("damage", [b"", b"not a model", None], ids=["empty", "other", "flipped"])
def test_a_damaged_file_is_made_again(cache: Path, model_path: Path, damage: bytes | None) -> None:
    plain = features(model_path)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    if damage is None:
        damage = whole[:-1000] + bytes([whole[-1000] ^ 1]) + whole[-999:]
    kept.write_bytes(damage)
    assert np.array_equal(features(model_path), plain)
    assert kept.read_bytes() != damage


def test_a_folder_that_others_can_write_to_is_not_used(cache: Path, model_path: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    features(model_path)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("where", ["/proc/nowhere", "/dev/null/x", "off"])
def test_an_unwritable_cache_is_done_without(
    where: str, model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEFEAT_CACHE", where)
    assert features(model_path).shape == (1280,)


def test_starts_at_the_same_moment_agree(cache: Path, model_path: Path) -> None:
    code = f"""
import sys, numpy as np, edgefeat
picture = np.random.default_rng(3).integers(0, 256, (300, 400, 3), np.uint8)
with edgefeat.FeatureExtractor({str(model_path)!r}) as fx:
    sys.stdout.buffer.write(fx.extract(picture).tobytes())
"""
    started = [
        subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    outputs = {process.communicate(timeout=120)[0] for process in started}
    assert outputs == {features(model_path, cache=False).tobytes()}
    assert [path.suffix for path in cache.iterdir()] == [".onnx"]
