"""Sets that follow a folder: what is new, changed, gone, mended; one spelling; kills."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet, SinkError, SourceError
from edgefeat.corpus.summary import Summary
from kill_runs_support import compare
from sets_support import file_of, killed_at

Extract = Callable[..., Summary]
SHARD = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten small pictures, and one that is none."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for number in range(10):
        draw(folder / f"{'deep/' if number % 3 == 0 else ''}{number}.png", number)
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


def draw(path: Path, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    cv2.imwrite(str(path), drawn)


@pytest.fixture(scope="module")
def extractor(root: Path) -> Iterator[FeatureExtractor]:
    """A model of a few operators: what is tried here is the disk."""
    with FeatureExtractor(root / "tests/data/three_outputs.onnx", outputs="quarters") as extractor:
        yield extractor


@pytest.fixture
def extract(extractor: FeatureExtractor, tmp_path: Path) -> Extract:
    def run(source: Any, output: str = "set", **options: Any) -> Summary:
        options = {"shard_size": SHARD, **options}
        return edgefeat.extract_folder(source, tmp_path / output, extractor=extractor, **options)

    return run


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def change(folder: Path) -> None:
    """Change, touch, mend, remove and add."""
    draw(folder / "1.png", 101)
    (folder / "2.png").touch()
    draw(folder / "bad.png", 102)
    (folder / "4.png").unlink()
    (folder / "deep" / "3.png").rename(folder / "moved.png")
    draw(folder / "00-first.png", 103)
    (folder / "worse.png").write_bytes(b"")


@pytest.mark.parametrize("store", ["f32", "f16", "i8"])
def test_a_sync_makes_the_set_that_a_new_run_makes(
    folder: Path, extract: Extract, tmp_path: Path, store: str
) -> None:
    extract(folder, store=store)
    change(folder)
    steps: list[object] = []
    synced = extract(folder, store=store, sync=True, on_step=steps.append)
    changes = synced.changes
    assert changes is not None
    told = (changes.new, changes.changed, changes.gone, changes.retried)
    assert told == (3, 1, 2, 1)  # new: the first, the moved and the worse one
    assert len(steps) == 5
    assert (synced.rows, synced.failures, synced.resumed) == (11, 1, 7)
    extract(folder, "fresh", store=store)
    ours, fresh = FeatureSet.read(tmp_path / "set"), FeatureSet.read(tmp_path / "fresh")
    assert ours.paths == fresh.paths
    assert np.array_equal(ours.features, fresh.features)
    if store == "f32":  # of the others, the loss that is stated may be that of a neighbour
        assert content(tmp_path / "set") == content(tmp_path / "fresh")


def test_nothing_is_written_where_nothing_changed(
    folder: Path, extract: Extract, tmp_path: Path
) -> None:
    extract(folder)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "set").iterdir()}
    steps: list[object] = []
    summary = extract(folder, sync=True, on_step=steps.append)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "set").iterdir()}
    assert after == before
    assert len(steps) == 1  # the failed one is tried again
    assert summary.changes is not None
    assert (summary.changes.new, summary.changes.changed, summary.changes.gone) == (0, 0, 0)


def test_a_file_that_was_touched_is_not_done_again(
    folder: Path, extract: Extract, tmp_path: Path
) -> None:
    extract(folder)
    os.utime(folder / "5.png", ns=(1, 1_700_000_000_123_456_789))
    summary = extract(folder, sync=True)
    assert summary.changes is not None
    assert summary.changes.changed == 0
    stamps = json.loads(file_of(tmp_path / "set", "shard-00000.files.json").read_text())
    assert 1_700_000_000_123_456_789 in stamps["mtime_ns"]
    before = (folder / "5.png").stat()
    draw(folder / "5.png", 105)
    size = (folder / "5.png").stat().st_size
    os.utime(folder / "5.png", ns=(1, before.st_mtime_ns))
    changed = extract(folder, sync=True).changes
    assert changed is not None
    assert changed.changed == (size != before.st_size)  # a quick look, as rsync's


def test_a_sync_of_no_set_is_a_run(folder: Path, extract: Extract, tmp_path: Path) -> None:
    assert extract(folder, sync=True).changes is None
    extract(folder, "fresh")
    assert content(tmp_path / "set") == content(tmp_path / "fresh")


@pytest.mark.parametrize("options", [{"sync": True}, {"resume": True}], ids=["sync", "resume"])
def test_a_damaged_shard_is_done_again_alone(
    folder: Path, extract: Extract, tmp_path: Path, options: dict[str, bool]
) -> None:
    extract(folder)
    before = content(tmp_path / "set")
    file_of(tmp_path / "set", "shard-00001.npy").write_bytes(b"")
    steps: list[object] = []
    summary = extract(folder, on_step=steps.append, **options)
    assert summary.changes is not None
    assert summary.changes.mended == 3  # the fourth of the shard is the failed one
    assert len(steps) == 3 + ("sync" in options)  # the failed one is tried again
    assert content(tmp_path / "set") == before


def test_resume_keeps_all_and_says_how_the_sources_differ(
    folder: Path, extract: Extract, tmp_path: Path
) -> None:
    extract(folder)
    before = FeatureSet.read(tmp_path / "set")
    change(folder)
    summary = extract(folder, resume=True)
    changes = summary.changes
    assert changes is not None
    assert (changes.new, changes.changed, changes.gone) == (3, 2, 2)  # touched counts as changed
    after = FeatureSet.read(tmp_path / "set")
    assert after.paths[:10] == before.paths
    assert np.array_equal(after.features[:10], before.features)


@pytest.mark.parametrize("options", [{"sync": True}, {"resume": True}], ids=["sync", "resume"])
@pytest.mark.parametrize(
    ("first", "then", "there"),
    [
        ("in", "./in", "."),
        ("in", "in/deep/..", "."),
        ("in", "{}/in", "."),
        ("{}/in", "in", "."),
        ("in", ".", "in"),
        ("in", "../in", "elsewhere"),
        ("in", "link", "."),
        ("in/", "in/*.png in/deep", "."),
    ],
)
def test_another_spelling_adds_nothing(
    folder: Path,
    extract: Extract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, bool],
    first: str,
    then: str,
    there: str,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    extract(first.format(tmp_path))
    before = content(tmp_path / "set")
    monkeypatch.chdir(tmp_path / there)
    summary = extract(then.format(tmp_path).split(), **options)
    assert summary.rows == 10
    changes = summary.changes
    assert changes is not None
    assert (changes.new, changes.gone) == (0, 0)
    if "in/*" not in then:  # which names them in another order
        assert content(tmp_path / "set") == before


def test_new_pictures_are_spelled_as_the_set_spells(
    folder: Path, extract: Extract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    extract("in")
    (folder / "new").mkdir()
    draw(folder / "new" / "a.png", 7)
    draw(folder / "b.png", 8)
    monkeypatch.chdir("/")
    extract(folder, sync=True)
    paths = FeatureSet.read(tmp_path / "set").paths
    assert {"in/new/a.png", "in/b.png", "in/deep/0.png"} <= set(paths)
    assert all(path.startswith("in/") for path in paths)
    draw(tmp_path / "other.png", 9)
    monkeypatch.chdir(tmp_path / "in")
    extract([".", "../other.png"], sync=True)
    paths = FeatureSet.read(tmp_path / "set").paths
    assert "other.png" in paths  # relative names start from where the set was made


@pytest.mark.parametrize("options", [{"sync": True}, {"resume": True}], ids=["sync", "resume"])
@pytest.mark.parametrize("moved", ["set", "both"])
def test_a_set_that_was_moved_knows_its_pictures(
    folder: Path,
    extract: Extract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, bool],
    moved: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    extract("in")
    before = FeatureSet.read("set").paths
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "set").rename(tmp_path / "disk" / ("deep/set" if moved == "set" else "set"))
    if moved == "both":
        folder.rename(tmp_path / "disk" / "in")
        monkeypatch.chdir("/")
    there = "disk/deep/set" if moved == "set" else "disk/set"
    source = "in" if moved == "set" else tmp_path / "disk" / "in"
    for _ in range(2):
        changes = extract(source, there, **options).changes
        assert changes is not None
        assert (changes.new, changes.changed, changes.gone) == (0, 0, 0)
        assert FeatureSet.read(tmp_path / there).paths == before


def test_links_with_names_of_their_own_stay_two(
    photos: Path, extract: Extract, tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "links" / name).symlink_to(photos / "coffee.jpg")
    assert extract(tmp_path / "links").rows == 2


def test_a_sync_that_would_leave_nothing_is_refused(
    folder: Path, extract: Extract, tmp_path: Path
) -> None:
    extract(folder)
    before = content(tmp_path / "set")
    empty = tmp_path / "mountpoint"
    empty.mkdir()
    for source in (empty, tmp_path / "missing", f"{folder}/*.gif"):
        with pytest.raises(SourceError, match="a sync must see all of its sources"):
            extract([folder, source], sync=True)
    (empty / "notes").write_text("x")
    with pytest.raises(SourceError, match="a sync must see all of its sources"):
        extract(empty, sync=True)
    (tmp_path / "none").write_text("\n")
    with pytest.raises(SinkError, match=r"name no picture, and all 10 rows would go"):
        extract([], sync=True, files_from=tmp_path / "none")
    assert content(tmp_path / "set") == before


def test_a_run_that_is_stopped_loses_nothing(
    folder: Path, extract: Extract, tmp_path: Path
) -> None:
    extract(folder, "whole", workers=1)
    for stop_at in range(11):
        steps: list[object] = []
        stopped = extract(
            folder, f"set-{stop_at}", workers=1, on_step=steps.append,
            stop=lambda steps=steps, at=stop_at: len(steps) > at,
        )  # fmt: skip
        there = tmp_path / f"set-{stop_at}"
        rows = stop_at + 1 - (stop_at >= 6)  # the seventh is the bad one
        assert stopped.rows == len(FeatureSet.read(there)) == rows
        steps.clear()
        extract(folder, f"set-{stop_at}", resume=True, on_step=steps.append)
        assert len(steps) == 10 - stop_at
        assert content(there) == content(tmp_path / "whole")


@pytest.mark.parametrize("begin", ["new", "resume", "sync"])
def test_a_kill_at_any_moment_changes_nothing_in_the_end(
    folder: Path, extract: Extract, tmp_path: Path, begin: str
) -> None:
    """Every change of the disk is the last one once; then the same command is given again."""
    options = {"commit_every_s": 1e-9, "workers": 1}
    again = {"sync": True} if begin == "sync" else {"resume": True}

    def prepared(name: str) -> None:
        if begin != "new":
            shutil.copytree(tmp_path / "before", tmp_path / name)

    extract(folder, "before", **options)
    if begin != "new":
        change(folder)
    prepared("whole")
    extract(folder, "whole", **again, **options)
    expected = content(tmp_path / "whole")
    for step in count():
        name = f"killed-{step}"
        prepared(name)
        if not killed_at(step, lambda name=name: extract(folder, name, **again, **options)):  # type: ignore[misc]
            break
        if (tmp_path / name / "manifest.json").exists():
            FeatureSet.read(tmp_path / name)  # can be read at every moment
        extract(folder, name, **again, **options)
        assert content(tmp_path / name) == expected, step
    assert step > 20


def test_a_sync_that_was_cut_short_leaves_the_set_and_keeps_its_work(
    folder: Path, extract: Extract, tmp_path: Path
) -> None:
    extract(folder)
    there = FeatureSet.read(tmp_path / "set")
    for number in range(10):
        path = folder / f"{'deep/' if number % 3 == 0 else ''}{number}.png"
        draw(path, 200 + number)
    steps: list[object] = []
    extract(folder, sync=True, workers=1, on_step=steps.append, stop=lambda: len(steps) >= 7)
    now = FeatureSet.read(tmp_path / "set")
    assert now.paths == there.paths
    assert np.array_equal(now.features, there.features)
    steps.clear()
    extract(folder, sync=True, on_step=steps.append)
    assert 1 <= len(steps) <= 5  # what was done before is not done again, but for failures
    extract(folder, "fresh")
    assert content(tmp_path / "set") == content(tmp_path / "fresh")


def test_a_damaged_picture_is_in_the_ledger_until_it_is_mended(
    photos: Path, extract: Extract, tmp_path: Path
) -> None:
    folder = tmp_path / "jpegs"
    shutil.copytree(photos, folder)
    whole = (photos / "coffee.jpg").read_bytes()
    (folder / "coffee.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    steps: list[Any] = []
    summary = extract(folder, on_step=steps.append)
    assert (summary.rows, summary.damaged, summary.failures) == (3, 1, 0)
    (line,) = (tmp_path / "set" / "errors.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert entry["path"] == str(folder / "coffee.jpg")
    assert entry["damaged"].startswith('a damaged JPEG: its decoder says "')
    assert [step.damage is not None for step in steps] == [False, True, False]
    assert extract(folder, sync=True).damaged == 1
    (folder / "coffee.jpg").write_bytes(whole)
    assert extract(folder, sync=True).damaged == 0
    assert (tmp_path / "set" / "errors.jsonl").read_text() == ""
    (folder / "coffee.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    failed = extract(folder, "strict", on_damaged="fail")
    assert (failed.rows, failed.damaged, failed.failures) == (2, 0, 1)
    assert failed.failed[0].reason.startswith("a damaged JPEG: its decoder says")


def test_a_damaged_picture_is_in_the_ledger_of_a_file(
    photos: Path, extract: Extract, tmp_path: Path
) -> None:
    whole = (photos / "coffee.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    summary = extract(tmp_path / "half.jpg", "f.npz", shard_size=None)
    assert (summary.rows, summary.damaged, summary.failures) == (1, 1, 0)
    (line,) = (tmp_path / "f.npz.errors.jsonl").read_text().splitlines()
    assert "damaged" in json.loads(line)


@pytest.mark.parametrize("flag", ["--resume", "--sync"])
def test_real_kills_change_nothing_in_the_end(flag: str, tmp_path: Path) -> None:
    """A small sample of `tests/bench/bench_kills.py`, which has the real one."""
    killed, same = compare(tmp_path, flag, kills=3, pictures=120, seed=1, longest_s=0.8)
    assert same
    assert killed >= 1
