"""An output that rotates: every record is in one part, in order, and only our parts are touched."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.options.keeping import KeepOptions, PartLimit
from edgefeat.options.output import OutputOptions
from edgefeat.sets.formats import OutputPlan
from edgefeat.sets.json_lines import JsonLinesStreamSink
from edgefeat.sets.parts import Parts
from edgefeat.sets.rotation import RotatingSink
from sets_support import info_of, record_of

INFO = info_of(timed=True)


def plan_of(path: Path, *, resume: bool = False, **keeping: object) -> OutputPlan:
    return OutputPlan(
        output=str(path),
        live=True,
        options=OutputOptions(resume=resume),
        keeping=KeepOptions(**keeping),  # type: ignore[arg-type]
    )


def rows_of(path: Path) -> list[int]:
    return [record.index // 3 for record in FeatureSet.read(path)]


def parts_of(path: Path) -> list[Path]:
    return [*Parts(path, keep=None, compress=False).full(), path]


@pytest.mark.parametrize("name", ["day.jsonl", "day"])
def test_every_record_is_in_one_part_in_order(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    if output.suffix:
        sink = plan_of(output, rotate="1K").open(INFO)
    else:
        clock = iter(range(1000))
        plan = plan_of(output)
        sink = RotatingSink(
            output,
            lambda *, first: plan.open(INFO),
            PartLimit(period_s=10),
            Parts(output, keep=None, compress=False),
            clock=lambda: float(next(clock)),
        )
    with sink:
        for row in range(40):
            sink.write(record_of(INFO, row))
        sink.commit()
        assert sink.summary().rows == 40
    parts = parts_of(output)
    assert len(parts) > 3
    assert [row for part in parts for row in rows_of(part)] == list(range(40))


def test_the_oldest_parts_go_and_nothing_else(tmp_path: Path) -> None:
    output = tmp_path / "day.jsonl"
    strangers = [
        "day-old.jsonl",
        "day-20200101T000000Z.csv",
        "monday-20200101T000000Z.jsonl",
        "day-20200101T000000Z.jsonl.bak",
    ]
    for name in strangers:
        (tmp_path / name).write_text("mine")
    (tmp_path / "day-20200101T000000Z.jsonl").write_text("an old part")
    with plan_of(output, rotate="1K", keep=2).open(INFO) as sink:
        for row in range(40):
            sink.write(record_of(INFO, row))
    parts = parts_of(output)
    assert len(parts) == 3
    rows = [row for part in parts for row in rows_of(part)]
    assert rows == list(range(rows[0], 40))
    assert all((tmp_path / name).read_text() == "mine" for name in strangers)
    assert not (tmp_path / "day-20200101T000000Z.jsonl").exists()


def test_a_folder_that_is_no_set_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "day-20200101T000000Z").mkdir()
    (tmp_path / "day-20200101T000000Z" / "letter.txt").write_text("mine")
    Parts(tmp_path / "day", keep=1, compress=False).prune()
    (tmp_path / "day-20210101T000000Z").mkdir()
    Parts(tmp_path / "day", keep=1, compress=False).prune()
    assert (tmp_path / "day-20200101T000000Z" / "letter.txt").exists()


def test_full_parts_are_compressed_and_read_back(tmp_path: Path) -> None:
    output = tmp_path / "day.jsonl"
    with plan_of(output, rotate="4K", gzip=True).open(INFO) as sink:
        for row in range(40):
            sink.write(record_of(INFO, row))
        wait_for(lambda: all(one.suffix == ".gz" for one in parts_of(output)[:-1]))
    parts = parts_of(output)
    assert len(parts) > 2
    assert [row for part in parts for row in rows_of(part)] == list(range(40))
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_what_was_left_uncompressed_is_compressed_later(tmp_path: Path) -> None:
    output = tmp_path / "day.jsonl"
    with plan_of(output, rotate="4K").open(INFO) as sink:
        for row in range(40):
            sink.write(record_of(INFO, row))
    part = parts_of(output)[0]
    text = part.read_bytes()
    with plan_of(output, rotate="4K", gzip=True, resume=True).open(INFO):
        wait_for(lambda: not part.exists())
    assert gzip.decompress(part.with_name(part.name + ".gz").read_bytes()) == text


def wait_for(done: object) -> None:
    deadline = time.monotonic() + 10
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_resumed_part_is_of_the_time_of_its_last_record(tmp_path: Path) -> None:
    output = tmp_path / "day.jsonl"
    with plan_of(output).open(INFO) as sink:
        sink.write(record_of(INFO, 0))
    yesterday = time.time() - 86400
    os.utime(output, (yesterday, yesterday))
    with plan_of(output, rotate="1d", resume=True).open(INFO) as sink:
        sink.write(record_of(INFO, 1))
        sink.write(record_of(INFO, 2))
    assert [rows_of(part) for part in parts_of(output)] == [[0], [1, 2]]


def test_an_output_of_another_writer_is_refused(tmp_path: Path) -> None:
    output = tmp_path / "day.jsonl"
    with plan_of(output, rotate="1K").open(INFO) as sink:
        sink.write(record_of(INFO, 0))
        with pytest.raises(SinkError):
            plan_of(output, rotate="1K", resume=True).open(INFO)


@pytest.mark.parametrize(
    ("name", "keeping", "message"),
    [
        ("a.jsonl", {"rotate": "100"}, "rotate: expected a size such as 100M or a time such as 1d"),
        ("a.jsonl", {"rotate": "0M"}, "rotate: expected a size such as 100M or a time such as 1d"),
        ("a.jsonl", {"rotate": "1w"}, "rotate: expected a size such as 100M or a time such as 1d"),
        ("a.jsonl", {"keep": 3}, "keep: has no effect without rotate"),
        ("a.jsonl", {"rotate": "1d", "keep": 0}, "keep: expected a whole number of 1 or more"),
        ("a.npz", {"rotate": "1d"}, "rotate: needs a stream into a folder or a .jsonl file"),
        ("a", {"rotate": "1d", "gzip": True}, "gzip: needs a .jsonl file as output"),
        ("-", {"rotate": "1d"}, "rotate: needs a stream into a folder or a .jsonl file"),
    ],
    ids=["no-unit", "zero", "weeks", "keep-alone", "keep-none", "npz", "gzip-folder", "stdout"],
)
def test_wrong_options(tmp_path: Path, name: str, keeping: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as raised:
        plan_of(Path("-") if name == "-" else tmp_path / name, **keeping)
    assert str(raised.value).startswith(message)


def test_records_reach_the_disk_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with JsonLinesStreamSink(tmp_path / "a.jsonl", INFO, fsync_s=0.1) as sink:
        sink.write(record_of(INFO, 0))
        assert synced == []
        time.sleep(0.12)
        sink.write(record_of(INFO, 1))
        assert len(synced) == 1
        sink.write(record_of(INFO, 2))
        assert len(synced) == 1
    assert len(synced) == 2


def test_every_line_is_json(tmp_path: Path) -> None:
    """Numbers that JSON has no word for are written as bytes."""
    record = record_of(INFO, 0)
    record.features[1:3] = float("nan"), float("inf")
    with JsonLinesStreamSink(tmp_path / "a.jsonl", INFO) as sink:
        sink.write(record)
    line = json.loads(
        (tmp_path / "a.jsonl").read_text(), parse_constant=lambda name: pytest.fail(name)
    )
    assert line["features"]["store"] == "f32"
