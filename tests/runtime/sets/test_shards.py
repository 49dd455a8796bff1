"""Folders of shards: killed anywhere, resumed to the same bytes; never mixed."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.sets.encoding import Store
from edgefeat.sets.info import OutputInfo, SetInfo
from edgefeat.sets.live_shards import LiveShardSink
from edgefeat.sets.names import encode_name
from edgefeat.sets.opening import default_shard_sources
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.shards import ShardSink
from sets_support import file_of, info_of, killed_at, plain, record_of

DIM = 6
OUTPUTS = [OutputInfo(name="features", shape=(DIM,))]
INFO = info_of(OUTPUTS, store=Store.I8)
NAMES = [f"photo-{i:02}.jpg" for i in range(11)] + ["caf\udce9.jpg"]
SHARD = 4


def vector(name: str) -> np.ndarray:
    return np.random.default_rng(NAMES.index(name)).normal(size=DIM).astype(np.float32)


def record(name: str) -> FeatureRecord:
    return FeatureRecord(features=vector(name), index=0, fingerprint=INFO.fingerprint, name=name)


def fill(folder: Path, names: list[str], *, resume: bool = False, info: SetInfo = INFO) -> int:
    """Write vectors for names, a failure for every fifth; return how many were handed over."""
    sink = ShardSink(folder, info, resume=resume, shard_size=SHARD)
    try:
        todo = sink.pending(names)
        for name in todo:
            if NAMES.index(name) % 5 == 1:
                sink.fail(Failure(path=name, reason="bad"))
            else:
                sink.write(record(name))
        sink.commit()
    finally:
        sink.close()
    return len(todo)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    fill(tmp_path / "whole", NAMES)
    return tmp_path / "whole"


def test_what_a_folder_holds(whole: Path) -> None:
    assert plain(content(whole)) == [
        "errors.jsonl", "manifest.json",
        "shard-00000.npy", "shard-00000.paths.json", "shard-00000.scales.npy",
        "shard-00001.npy", "shard-00001.paths.json", "shard-00001.scales.npy",
        "shard-00002.npy", "shard-00002.paths.json", "shard-00002.scales.npy",
    ]  # fmt: skip
    features = FeatureSet.read(whole)
    good = [name for name in NAMES if NAMES.index(name) % 5 != 1]
    assert list(features.paths) == good
    exact = np.stack([vector(name) for name in good])
    assert features.features == pytest.approx(exact, abs=0.02)
    lines = (whole / "errors.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"path": encode_name(NAMES[i]), "reason": "bad"} for i in (1, 6, 11)
    ]
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert manifest["failures"] == 3
    assert [shard["sources"] for shard in manifest["shards"]] == [4, 4, 4]
    assert 0.99 < manifest["shards"][0]["loss"]["cosine_min"] < 1


def test_a_kill_at_any_moment_costs_a_shard_at_most(whole: Path, tmp_path: Path) -> None:
    for step in count():
        folder = tmp_path / f"killed-{step}"
        killed = killed_at(step, lambda folder=folder: fill(folder, NAMES))  # type: ignore[misc]
        if not killed:
            break
        committed = 0
        if (folder / "manifest.json").exists():
            shards = json.loads((folder / "manifest.json").read_text())["shards"]
            committed = sum(shard["sources"] for shard in shards)
        redone = fill(folder, NAMES, resume=True)
        assert redone == len(NAMES) - committed
        assert content(folder) == content(whole)
    assert step >= 3 * len(json.loads((whole / "manifest.json").read_text())["shards"])


def test_rows_taken_before_a_stop_are_dropped_with_their_shard(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    sink = ShardSink(folder, INFO, shard_size=SHARD)
    for name in ("photo-00.jpg", "photo-02.jpg", "photo-03.jpg"):
        sink.write(record(name))
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
    other = info_of(OUTPUTS, store=Store.I8, model="other", fingerprint="b")
    with pytest.raises(SinkError) as caught:
        fill(whole, NAMES, resume=True, info=other)
    assert str(caught.value) == (
        f"{whole}: fingerprint: the set has aaaaaaaaaaaa (model toy), these features have "
        "bbbbbbbbbbbb (model other). Vectors of different models or preprocessing cannot be "
        "compared: use the set's model and options, or name another place."
    )
    assert content(whole) == before


def test_what_else_is_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SinkError, match=r"holds a finished feature set of 9 rows. Go on with it by"
    ):
        fill(whole, NAMES)
    f32 = info_of(OUTPUTS)
    with pytest.raises(SinkError, match=r"made with i8 numbers, got f32\. Resume with store=i8\."):
        fill(whole, NAMES, resume=True, info=f32)
    with pytest.raises(OptionError, match="shard_size: expected a multiple of the batch of 3 pic"):
        ShardSink(tmp_path / "odd", INFO, shard_size=4, batch=3)
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
    sink = ShardSink(folder, INFO, shard_size=1)
    sink.write(record(NAMES[0]))
    sink.close()
    with pytest.raises(SinkError, match=r"it has, for example, 'photo-00.jpg'. Resume with the"):
        ShardSink(folder, INFO, resume=True).pending([f"./{name}" for name in NAMES])


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
@pytest.mark.parametrize("name", ["shard-00001.npy", "shard-00001.scales.npy"])
def test_a_damaged_shard_is_done_again_alone(whole: Path, name: str, gone: bool) -> None:
    before = content(whole)
    path = file_of(whole, name)
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert fill(whole, NAMES, resume=True) == 3  # its rows; its failure is known
    assert content(whole) == before


def test_a_shard_whose_names_are_lost_is_done_again_at_the_end(whole: Path) -> None:
    names = set(FeatureSet.read(whole).paths)
    file_of(whole, "shard-00001.paths.json").write_text("[]")
    with pytest.raises(SinkError, match="its content is not what the manifest says"):
        FeatureSet.read(whole)
    with pytest.warns(UserWarning, match="3 rows of damaged shards were left out; resume or"):
        assert len(FeatureSet.read(whole, skip_damaged=True)) == 6
    with ShardSink(whole, INFO, resume=True) as sink:
        todo = sink.pending(NAMES)
        changes = sink.summary().changes
        assert changes is not None
        assert (changes.unreadable_names, changes.new) == (3, 3)
        for one in todo:
            sink.write(record(one))
        sink.commit()
    assert set(FeatureSet.read(whole).paths) == names


def test_a_damaged_ledger_is_written_again(whole: Path) -> None:
    before = content(whole)
    (whole / "errors.jsonl").write_bytes(b"?")
    assert fill(whole, NAMES, resume=True) == 3  # those that failed: nobody knows that now
    ledger = (whole / "errors.jsonl").read_text().splitlines()
    assert sorted(ledger) == sorted(before["errors.jsonl"].decode().splitlines())


def test_a_stream_cannot_be_done_again(tmp_path: Path) -> None:
    stream_into(tmp_path / "set", range(10))
    file_of(tmp_path / "set", "shard-00001.npy").write_bytes(b"")
    with pytest.raises(SinkError, match="its content is not what the manifest says"):
        stream_into(tmp_path / "set", range(10, 11), resume=True)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model": 3}', "[" * 100_000])
def test_a_damaged_manifest_is_found(whole: Path, text: str) -> None:
    (whole / "manifest.json").write_text(text)
    with pytest.raises(SinkError, match=r"manifest.json: not a manifest that edgefeat wrote"):
        FeatureSet.read(whole)


def test_shards_are_whole_batches_of_bounded_size() -> None:
    sizes = {(1280, 1): 1024, (1280, 3): 1023, (7 * 7 * 1280, 1): 66, (2**26, 8): 8}
    for (dim, batch), sources in sizes.items():
        info = info_of([OutputInfo(name="features", shape=(dim,))])
        assert default_shard_sources(info, batch) == sources


STREAM = info_of(OUTPUTS, store=Store.I8, timed=True)


def stream_into(folder: Path, rows: range, *, resume: bool = False, commit: bool = True) -> None:
    with LiveShardSink(folder, STREAM, resume=resume, shard_size=SHARD) as sink:
        for row in rows:
            sink.write(record_of(STREAM, row))
        if commit:
            sink.commit()


def test_a_stream_that_is_killed_loses_no_record(tmp_path: Path) -> None:
    """A record is on the disk before the next one comes, whatever shard it will be in."""
    whole = tmp_path / "whole"
    stream_into(whole, range(10))
    expected = FeatureSet.read(whole)
    for step in count():
        folder, done = tmp_path / f"killed-{step}", tmp_path / f"done-{step}"

        def work(folder: Path = folder, done: Path = done) -> None:
            with LiveShardSink(folder, STREAM, shard_size=SHARD) as sink:
                for row in range(10):
                    sink.write(record_of(STREAM, row))
                    done.write_text(str(row + 1))
                sink.commit()

        killed = killed_at(step, work)
        written = int(done.read_text()) if done.exists() else 0
        if (folder / "manifest.json").exists():
            there = FeatureSet.read(folder)
            assert len(there) in (written, written + 1)
            assert there.frames is not None
            assert there.frames.index.tolist() == [row * 3 for row in range(len(there))]
            stream_into(folder, range(len(there), 10), resume=True)
            assert content(folder) == content(whole)
        if not killed:
            break
    assert expected.features == pytest.approx(FeatureSet.read(folder).features)
    assert step > 10


def test_a_stream_is_read_while_it_runs(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with LiveShardSink(folder, STREAM, shard_size=SHARD) as sink:
        for row in range(6):
            sink.write(record_of(STREAM, row))
            there = FeatureSet.read(folder)
            assert len(there) == sink.summary().rows == row + 1
            exact = record_of(STREAM, row).features
            assert there[-1].features == pytest.approx(exact, abs=0.02)
        assert plain(content(folder)) == [
            "errors.jsonl", "manifest.json", "shard-00000.frames.json", "shard-00000.npy",
            "shard-00000.paths.json", "shard-00000.scales.npy", "shard-00001.tail.jsonl",
        ]  # fmt: skip
    stream_into(folder, range(6, 7), resume=True)
    assert len(FeatureSet.read(folder)) == 7
    assert not (folder / "shard-00001.tail.jsonl").exists()


def test_a_cut_line_of_a_tail_is_left_out_with_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    stream_into(folder, range(2), commit=False)
    tail = folder / "shard-00000.tail.jsonl"
    tail.write_bytes(tail.read_bytes()[:-20])
    with pytest.warns(UserWarning, match="line 2 is cut and was left out"):
        assert len(FeatureSet.read(folder)) == 1
    stream_into(folder, range(2, 3), resume=True)
    assert [record.index for record in FeatureSet.read(folder)] == [0, 6]


def test_a_set_of_a_stream_is_not_one_of_pictures(tmp_path: Path) -> None:
    stream_into(tmp_path / "set", range(2))
    with pytest.raises(SinkError) as caught:
        fill(tmp_path / "set", NAMES, resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'set'}: the set has features of frames of a stream, got those of pictures. "
        "Name another place."
    )


def test_the_rows_of_an_overwritten_stream_do_not_come_back(tmp_path: Path) -> None:
    stream_into(tmp_path / "set", range(2), commit=False)
    with LiveShardSink(tmp_path / "set", STREAM, overwrite=True) as sink:
        sink.write(record_of(STREAM, 5))
    assert [record.index for record in FeatureSet.read(tmp_path / "set")] == [15]
