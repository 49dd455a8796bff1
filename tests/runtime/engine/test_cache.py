"""The cache of optimised models: same vectors, never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from edgefeat import FeatureExtractor, ModelError
from edgefeat.engine.cache import is_mapped

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
    (again,) = cache.iterdir()
    assert again.read_bytes() != damage


def test_a_whole_file_that_does_not_open_is_made_again(
    cache: Path, model_path: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    for written_ns in (10**18, 2 * 10**18):  # the second shares the first one's file
        model.write_bytes(model_path.read_bytes())
        os.utime(model, ns=(written_ns, written_ns))
        plain = features(model)
    for kept in list(cache.iterdir()):  # as another build of the same version may write it
        other = b"not for this build"
        kept.unlink()
        name = f"{kept.stem[:-8]}{zlib.crc32(other):08x}{kept.suffix}"
        (cache / name).write_bytes(other)
    assert np.array_equal(features(model), plain)
    (again,) = cache.iterdir()
    written = again.stat().st_mtime_ns
    assert np.array_equal(features(model), plain)
    assert [path.stat().st_mtime_ns for path in cache.iterdir()] == [written]


def test_too_little_memory_is_an_error_of_ours_and_the_kept_file_stays(
    cache: Path, model_path: Path
) -> None:
    code = f"""
import resource
import numpy as np
import edgefeat
fx = edgefeat.FeatureExtractor({str(model_path)!r})
prepared = np.zeros((1, *fx.spec.input.size_hw, 3), np.uint8)
fx.extract_prepared(prepared)
fx.unload()
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**22, now + 2**22))
try:
    fx.extract_prepared(prepared)
except edgefeat.ModelError as error:
    print(error)
"""
    features(model_path)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith(f"{model_path}: ")
    assert len(list(cache.iterdir())) == 1


def damage(model: Path) -> None:
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)


def test_a_model_that_changed_after_the_first_start_is_noticed(
    cache: Path, model_path: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(model_path.read_bytes())
    features(model)
    damage(model)
    with pytest.raises(ModelError, match="damaged or edited"):
        features(model)
    model.write_bytes(model_path.read_bytes())
    assert np.array_equal(features(model), features(model_path))
    entries = list(cache.iterdir())
    assert len(entries) == 3  # one for every time it was written, in one file's space
    assert {entry.stat().st_nlink for entry in entries} == {3}


def test_what_a_known_model_runs_is_the_checked_copy(
    cache: Path, model_path: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(model_path.read_bytes())
    plain, written = features(model), model.stat().st_mtime_ns
    damage(model)  # as bad storage does: nobody wrote
    os.utime(model, ns=(written, written))
    assert np.array_equal(features(model), plain)
    with FeatureExtractor(model, cache=True) as extractor:
        assert extractor.self_test()
    with pytest.raises(ModelError, match="damaged or edited"):
        features(model, cache=False)


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
    (kept,) = cache.iterdir()
    assert kept.suffix == (".ort" if is_mapped(onnxruntime.__version__) else ".onnx")
