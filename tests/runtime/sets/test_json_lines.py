"""JSON lines as they come: whole at every moment, gone on with after a kill, never mixed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.sets.encoding import Store
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_lines import JsonLinesStreamSink
from sets_support import SEVERAL, features_of, info_of, record_of

STREAM = info_of(timed=True)


def add(path: Path, rows: range, info: SetInfo = STREAM, *, resume: bool = False) -> None:
    with JsonLinesStreamSink(path, info, resume=resume) as sink:
        for row in rows:
            sink.write(record_of(info, row))


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_holds_everything(tmp_path: Path) -> None:
    add(tmp_path / "a.jsonl", range(1))
    (line,) = lines(tmp_path / "a.jsonl")
    features = line.pop("features")
    np.testing.assert_array_equal(np.array(features, np.float32), features_of(STREAM, 0))
    assert line == {
        "path": "camera 0#0",
        "index": 0,
        "source": "camera 0",
        "wall_time": 1.7e9,
        "media_s": 0.0,
        "age_ms": 12.5,
        "dropped": 0,
        "device": "box",
        "camera": "yard",
        "session": "s1",
        "monotonic_s": 100.0,
        "gap_s": 0.0,
        "motion": 0.0,
        "novelty": 0.0,
        "change": "enter",
        "model": "toy",
        "fingerprint": "a" * 64,
    }


def test_several_outputs_and_packed_numbers(tmp_path: Path) -> None:
    add(tmp_path / "a.jsonl", range(1), info_of(SEVERAL, store=Store.I8))
    (line,) = lines(tmp_path / "a.jsonl")
    assert "features" not in line
    outputs = line["outputs"]
    assert isinstance(outputs, dict)
    assert list(outputs) == ["features", "block/2:0", "a map"]
    assert {key: outputs["a map"][key] for key in ("store", "shape")} == {
        "store": "i8",
        "shape": [2, 3, 4],
    }


def test_each_line_is_in_the_file_before_the_next_record(tmp_path: Path) -> None:
    with JsonLinesStreamSink(tmp_path / "a.jsonl", STREAM) as sink:
        for row in range(3):
            sink.write(record_of(STREAM, row))
            assert len(FeatureSet.read(tmp_path / "a.jsonl")) == row + 1
        sink.close()
        sink.close()
        with pytest.raises(SinkError, match=r"a\.jsonl: the output was closed\. Open it again\."):
            sink.write(record_of(STREAM, 3))


@pytest.mark.parametrize("cut", [b"", b'{"path": "cam'], ids=["whole", "cut"])
def test_a_file_is_gone_on_with(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "a.jsonl"
    add(path, range(2))
    with path.open("ab") as file:
        file.write(cut)
    with JsonLinesStreamSink(path, STREAM, resume=True) as sink:
        sink.write(record_of(STREAM, 2))
        summary = sink.summary()
    assert (summary.rows, summary.resumed) == (3, 2)
    assert [line["index"] for line in lines(path)] == [0, 3, 6]


@pytest.mark.parametrize("content", [b"", b'{"path": "cam'], ids=["empty", "cut"])
def test_a_file_without_a_whole_line_starts_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    add(path, range(1), resume=True)
    assert len(lines(path)) == 1


def test_a_file_that_another_program_empties_goes_on_at_its_start(tmp_path: Path) -> None:
    """As logrotate does with `copytruncate`."""
    path = tmp_path / "a.jsonl"
    with JsonLinesStreamSink(path, STREAM) as sink:
        sink.write(record_of(STREAM, 0))
        os.truncate(path, 0)
        sink.write(record_of(STREAM, 1))
    assert [line["index"] for line in lines(path)] == [3]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (info_of(timed=True, fingerprint="b"), "fingerprint: the set has aaaaaaaaaaaa (model toy)"),
        (info_of(timed=False), "the set has features of frames of a stream, got those of pictures"),
        (info_of(timed=True, store=Store.F16), "the set was made with f32 numbers, got f16."),
        (
            info_of(SEVERAL[:2], timed=True),
            "the set has the outputs features (5), got features (5), block/2:0 (3). Resume with "
            "outputs=features, or name another place.",
        ),
    ],
    ids=["model", "pictures", "store", "outputs"],
)  # fmt: skip
def test_what_does_not_belong_together_is_not_mixed(
    tmp_path: Path, other: SetInfo, message: str
) -> None:
    path = tmp_path / "a.jsonl"
    add(path, range(2))
    before = path.read_bytes()
    with pytest.raises(SinkError) as caught:
        add(path, range(1), other, resume=True)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["notes\n", '{"a": 1}\n', "[1]\n"])
def test_a_foreign_file_is_not_added_to(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text(text)
    with pytest.raises(SinkError, match=r"its last line is not one that edgefeat wrote\. Name"):
        add(path, range(1), resume=True)
    assert path.read_text() == text


def test_a_line_that_did_not_fit_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes half of the line and is full then."""
    path, real = tmp_path / "a.jsonl", os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(data)[: len(data) - 50])

    with JsonLinesStreamSink(path, STREAM) as sink:
        sink.write(record_of(STREAM, 0))
        before = path.read_bytes()
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(SinkError) as caught:
            sink.write(record_of(STREAM, 1))
        monkeypatch.undo()
        assert str(caught.value) == (
            f"{path}: cannot be written: No space left on device. What was written before is "
            "whole. Free some space, or choose a place on another disk."
        )
        assert path.read_bytes() == before
        sink.write(record_of(STREAM, 1))
    assert len(lines(path)) == 2


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    missing = tmp_path / "nowhere" / "a.jsonl"
    with pytest.raises(SinkError, match=f"{missing}: the folder {missing.parent} does not exist"):
        add(missing, range(1))
    with pytest.raises(SinkError, match=r"file is a file, expected a folder\. Choose another pla"):
        add(tmp_path / "file" / "a.jsonl", range(1))
