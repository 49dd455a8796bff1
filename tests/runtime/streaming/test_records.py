"""Where records go: whole at every moment, numbered on, never of two models."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat.streaming import StreamResult
from edgefeat.streaming.records import CallbackSink, Encoding, JsonLinesSink, NpyShardSink


def record(index: int, fingerprint: str = "one") -> StreamResult:
    features = np.random.default_rng(index).standard_normal(8).astype(np.float32)
    return StreamResult(
        features=features,
        index=index,
        captured_at=1.0,
        wall_time=1.7e9 + index,
        media_s=None,
        age_ms=12.3456,
        dropped=3,
        source="camera 0",
        name=None,
        fingerprint=fingerprint,
    )


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_json_lines_hold_everything(tmp_path: Path) -> None:
    sink = JsonLinesSink(tmp_path / "a.jsonl")
    sink.write(record(7))
    sink.close()
    sink.close()
    (line,) = lines(tmp_path / "a.jsonl")
    features = line.pop("features")
    np.testing.assert_array_equal(np.array(features, np.float32), record(7).features)
    assert line == {
        "seq": 0,
        "source": "camera 0",
        "name": None,
        "index": 7,
        "wall_time": 1.7e9 + 7,
        "media_s": None,
        "age_ms": 12.346,
        "dropped": 3,
        "fingerprint": "one",
    }
    with pytest.raises(edgefeat.SinkError, match="the sink was closed"):
        sink.write(record(8))


def test_base64_float16_reads_back(tmp_path: Path) -> None:
    sink = JsonLinesSink(tmp_path / "a.jsonl", encoding=Encoding.BASE64_F16)
    sink.write(record(0))
    sink.close()
    (line,) = lines(tmp_path / "a.jsonl")
    packed = np.frombuffer(base64.b64decode(str(line["features_f16"])), "<f2")
    np.testing.assert_array_equal(packed, record(0).features.astype(np.float16))


@pytest.mark.parametrize("torn", [b"", b'{"seq": 2, "sou'], ids=["whole", "torn"])
def test_numbering_goes_on_after_a_restart(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.jsonl"
    for start in (0, 2):
        sink = JsonLinesSink(path)
        sink.write(record(start))
        sink.write(record(start + 1))
        sink.close()
        if start == 0:
            with path.open("ab") as file:
                file.write(torn)
    assert [line["seq"] for line in lines(path)] == [0, 1, 2, 3]


def test_a_file_with_only_a_torn_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"seq": 0, "so')
    sink = JsonLinesSink(path)
    sink.write(record(0))
    sink.close()
    assert [line["seq"] for line in lines(path)] == [0]


def test_two_models_are_never_mixed(tmp_path: Path) -> None:
    for sink in (JsonLinesSink(tmp_path / "a.jsonl"), NpyShardSink(tmp_path / "a")):
        sink.write(record(0, "one"))
        sink.close()
    for sink, where in (
        (JsonLinesSink(tmp_path / "a.jsonl"), tmp_path / "a.jsonl"),
        (NpyShardSink(tmp_path / "a"), tmp_path / "a"),
    ):
        with pytest.raises(edgefeat.SinkError) as raised:
            sink.write(record(1, "two"))
        sink.close()
        assert str(raised.value) == (
            f"{where}: holds features of model one, not of two: they must not be mixed. "
            "Write to another place."
        )
    assert len(lines(tmp_path / "a.jsonl")) == 1


@pytest.mark.parametrize("text", ["notes\n", '{"a": 1}\n', "[1]\n", '{"seq": "x"}\n'])
def test_a_foreign_file_is_not_added_to(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text(text)
    with pytest.raises(edgefeat.SinkError, match="its last line is not a record"):
        JsonLinesSink(path)
    assert path.read_text() == text


def test_shards_and_their_index(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "shards"
    for start in (0, 5):  # the second run goes on with the first one's numbers
        sink = NpyShardSink(folder, rows=2)
        for index in range(start, start + 5):
            sink.write(record(index))
        sink.close()
        sink.close()
    index = json.loads((folder / "index.json").read_text())
    assert (index["rows"], index["fingerprint"]) == (10, "one")
    assert [s["rows"] for s in index["shards"]] == [2, 2, 1, 2, 2, 1]
    features = np.concatenate([np.load(folder / f"{s['name']}.npy") for s in index["shards"]])
    np.testing.assert_array_equal(features, [record(n).features for n in range(10)])
    rows = [row for s in index["shards"] for row in lines(folder / f"{s['name']}.jsonl")]
    assert [row["seq"] for row in rows] == [row["index"] for row in rows] == list(range(10))
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


def test_the_index_names_only_whole_shards(tmp_path: Path) -> None:
    sink = NpyShardSink(tmp_path, rows=2)
    for number in range(3):
        sink.write(record(number))
    index = json.loads((tmp_path / "index.json").read_text())
    assert [s["name"] for s in index["shards"]] == ["features-000000"]
    assert len(np.load(tmp_path / "features-000000.npy")) == 2


def test_a_foreign_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(edgefeat.SinkError, match="not an index of `edgefeat stream`"):
        NpyShardSink(tmp_path)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(edgefeat.SinkError, match=r"nowhere.a\.jsonl: cannot be written: No such"):
        JsonLinesSink(tmp_path / "nowhere" / "a.jsonl")
    with pytest.raises(edgefeat.SinkError, match="file: cannot be written: File exists"):
        NpyShardSink(tmp_path / "file")
    full = JsonLinesSink(Path("/dev/full"))
    with pytest.raises(edgefeat.SinkError, match="/dev/full: cannot be written: No space left"):
        full.write(record(0))
    full.close()


def test_a_function_is_a_sink() -> None:
    taken: list[StreamResult] = []
    sink = CallbackSink(taken.append)
    sink.write(record(0))
    sink.close()
    assert [r.index for r in taken] == [0]
