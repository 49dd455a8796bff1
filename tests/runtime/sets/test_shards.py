"""Folders of shards: killed anywhere, resumed to the same bytes; never mixed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.sets.base import Failure, SetInfo
from edgefeat.sets.encoding import Store
from edgefeat.sets.shards import ShardSink, default_shard_sources

DIM = 6
INFO = SetInfo(model="toy", fingerprint="a" * 64, dim=DIM, store=Store.I8)
NAMES = [f"photo-{i:02}.jpg" for i in range(11)] + ["caf\udce9.jpg"]
SHARD = 4


def vector(name: str) -> np.ndarray:
    return np.random.default_rng(NAMES.index(name)).normal(size=DIM).astype(np.float32)


def fill(folder: Path, names: list[str], *, resume: bool = False, info: SetInfo = INFO) -> int:
    """Write vectors for names, a failure for every fifth; return how many were handed over."""
    sink = ShardSink(folder, info, resume=resume, shard_sources=SHARD)
    try:
        todo = sink.select(names)
        for name in todo:
            if NAMES.index(name) % 5 == 1:
                sink.fail(Failure(path=name, reason="bad"))
            else:
                sink.write(name, vector(name))
        sink.commit()
    finally:
        sink.close()
    return len(todo)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def in_child(work: Callable[[], object]) -> int:
    """Run work in a forked process; return its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    fill(tmp_path / "whole", NAMES)
    return tmp_path / "whole"


def test_what_a_folder_holds(whole: Path) -> None:
    assert sorted(content(whole)) == [
        "errors.jsonl", "manifest.json",
        "shard-00000.npy", "shard-00000.paths.json", "shard-00000.scales.npy",
        "shard-00001.npy", "shard-00001.paths.json", "shard-00001.scales.npy",
        "shard-00002.npy", "shard-00002.paths.json", "shard-00002.scales.npy",
    ]  # fmt: skip
    features = FeatureSet.read(whole)
    good = [name for name in NAMES if NAMES.index(name) % 5 != 1]
    assert list(features.paths) == good
    exact = np.stack([vector(name) for name in good])
    assert features.features() == pytest.approx(exact, abs=0.02)
    lines = (whole / "errors.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"path": NAMES[i], "reason": "bad"} for i in (1, 6, 11)
    ]
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert manifest["failures"] == 3
    assert [shard["sources"] for shard in manifest["shards"]] == [4, 4, 4]
    assert 0.99 < manifest["shards"][0]["fidelity"]["cosine_min"] < 1


def test_a_kill_at_any_moment_costs_a_shard_at_most(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process kills itself right after its n-th fsync or rename, for every n there is."""
    kills = 0
    while True:
        folder = tmp_path / f"killed-{kills}"
        steps = iter(range(10_000))

        def deadly(real: Callable[..., object], at: int, steps: object) -> Callable[..., object]:
            def step(*arguments: object) -> object:
                result = real(*arguments)
                if next(steps) == at:  # type: ignore[call-overload]
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return step

        def work(folder: Path = folder, at: int = kills, steps: object = steps) -> None:
            monkeypatch.setattr(os, "fsync", deadly(os.fsync, at, steps))
            monkeypatch.setattr(os, "replace", deadly(os.replace, at, steps))
            fill(folder, NAMES)

        status = in_child(work)
        committed = 0
        if (folder / "manifest.json").exists():
            shards = json.loads((folder / "manifest.json").read_text())["shards"]
            committed = sum(shard["sources"] for shard in shards)
        if not os.WIFSIGNALED(status):
            assert status == 0
            break
        redone = fill(folder, NAMES, resume=True)
        assert redone == len(NAMES) - committed
        assert content(folder) == content(whole)
        kills += 1
    assert kills >= 3 * len(json.loads((whole / "manifest.json").read_text())["shards"])


def test_rows_taken_before_a_stop_are_dropped_with_their_shard(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    sink = ShardSink(folder, INFO, shard_sources=SHARD)
    for name in ("photo-00.jpg", "photo-02.jpg", "photo-03.jpg"):
        sink.write(name, vector(name))
    sink.close()
    sink.close()
    assert FeatureSet.read(folder).paths == ()
    fill(folder, NAMES, resume=True)
    assert content(folder) == content(whole)


def test_new_pictures_are_appended(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "grown"
    fill(folder, NAMES[:6])
    assert fill(folder, NAMES, resume=True) == 6
    assert sorted(FeatureSet.read(folder).paths) == sorted(FeatureSet.read(whole).paths)
    assert fill(folder, NAMES, resume=True) == 0


def test_another_fingerprint_is_refused(whole: Path) -> None:
    before = content(whole)
    other = SetInfo(model="other", fingerprint="b" * 64, dim=DIM, store=Store.I8)
    with pytest.raises(SinkError) as caught:
        fill(whole, NAMES, resume=True, info=other)
    assert str(caught.value) == (
        f"{whole}: fingerprint: the set has aaaaaaaaaaaa (model toy), these features have "
        "bbbbbbbbbbbb (model other). Vectors of different models or preprocessing cannot be "
        "compared: use the set's model and options, or name another folder."
    )
    assert content(whole) == before


def test_what_else_is_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SinkError, match=r"holds a finished feature set of 9 rows. Go on with it by"
    ):
        fill(whole, NAMES)
    f32 = SetInfo(model="toy", fingerprint="a" * 64, dim=DIM)
    with pytest.raises(SinkError, match=r"--store: the set was made with i8, got f32. Resume with"):
        fill(whole, NAMES, resume=True, info=f32)
    with pytest.raises(SinkError, match="a shard of 4 pictures is not whole batches of 3"):
        ShardSink(tmp_path / "odd", INFO, shard_sources=4, batch=3)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(SinkError, match=r"holds 'thesis.tex' and no feature set"):
        fill(tmp_path / "full", NAMES, resume=True)
    with pytest.raises(SinkError, match=r"thesis.tex: a file, expected a folder. Name another"):
        fill(tmp_path / "full" / "thesis.tex", NAMES)
    first = ShardSink(tmp_path / "busy", INFO)
    with pytest.raises(SinkError, match="another edgefeat is writing to this folder"):
        ShardSink(tmp_path / "busy", INFO, resume=True)
    first.close()
    ShardSink(tmp_path / "busy", INFO, resume=True).close()


def test_sources_spelled_differently_are_refused_before_they_double_the_set(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    sink = ShardSink(folder, INFO, shard_sources=1)
    sink.write(NAMES[0], vector(NAMES[0]))
    sink.close()
    with pytest.raises(SinkError, match=r"it has, for example, 'photo-00.jpg'. Resume with the"):
        ShardSink(folder, INFO, resume=True).select([f"./{name}" for name in NAMES])


@pytest.mark.parametrize("name", ["shard-00001.npy", "shard-00001.paths.json", "errors.jsonl"])
def test_a_changed_file_is_found(whole: Path, name: str) -> None:
    path = whole / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(SinkError, match=f"{name}: its content is not what the manifest says"):
        fill(whole, NAMES, resume=True)
    path.unlink()
    with pytest.raises(SinkError, match=f"{name}: in the manifest, but No such file"):
        fill(whole, NAMES, resume=True)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model": 3}', "[" * 100_000])
def test_a_damaged_manifest_is_found(whole: Path, text: str) -> None:
    (whole / "manifest.json").write_text(text)
    with pytest.raises(SinkError, match=r"manifest.json: not a manifest that edgefeat wrote"):
        FeatureSet.read(whole)


def test_shards_are_whole_batches_of_bounded_size() -> None:
    assert default_shard_sources(1280, 1) == 1024
    assert default_shard_sources(1280, 3) == 1023
    assert default_shard_sources(7 * 7 * 1280, 1) == 66
    assert default_shard_sources(2**26, 8) == 8
