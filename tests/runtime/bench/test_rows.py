"""Benchmarks of models that take columns and no picture: on rows by rule, and on a table's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from column_models import PLACE, PROBE_ROWS, write_people
from edgefeat import RowError, bench
from edgefeat.cli.main import main
from edgefeat.errors import OptionError, SourceError

QUICK = bench.SingleStreamLoad(duration_s=0.01, min_calls=16, processes=1)


def measured(**options: Any) -> bench.BenchReport:
    given: dict[str, Any] = {"loads": [QUICK], "cold_starts": 0} | options
    return bench.run(bench.Setup.of(PLACE), **given)


def test_rows_of_the_self_test_are_taken_where_none_are_given() -> None:
    report = measured(loads=[QUICK, bench.OfflineLoad(duration_s=0.01)], cold_starts=1)
    assert (report.unit, report.pictures) == ("row", len(PROBE_ROWS))
    assert report.source == "rows made by rule"
    (subject,) = report.subjects
    assert subject.single_stream is not None
    assert list(subject.single_stream.stages_ms) == ["total"]
    assert subject.cold_start is not None
    text = bench.as_text(report)
    assert "rows: 4, rows made by rule" in text
    assert " rows/s" in text
    assert "CPU a row" in text
    assert "picture" not in text
    assert "rows/s" in bench.as_html(report)
    assert bench.BenchReport.from_dict(report.as_dict()) == report


def test_a_report_from_before_is_of_pictures() -> None:
    document = measured().as_dict()
    del document["unit"]
    assert bench.BenchReport.from_dict(document).unit == "picture"


def test_the_command_takes_a_table(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age,rooms,city,note\n41,3,Rome,good\n,1,Köln,\n", "utf-8")
    out = tmp_path / "report.json"
    quick = ["--duration", "0.01", "--processes", "1", "--cold-starts", "0", "--quiet"]
    assert main(["bench", str(table), "--model", str(PLACE), *quick, "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert (report["unit"], report["pictures"], report["source"]) == ("row", 2, str(table))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pictures": "photos/"}, OptionError, "expected one table, .* got photos/"),
        ({"pictures": "none.csv"}, SourceError, "none.csv"),
        ({"loads": [bench.CameraLoad()]}, OptionError, "a camera gives frames"),
    ],
)
def test_what_is_no_row_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        measured(**options)


def test_a_row_that_does_not_fit_is_named(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age,rooms,city,note\n41,3,Rome,good\n40,many,Rome,\n")
    with pytest.raises(RowError, match="'many'"):
        measured(pictures=str(table))


def test_pictures_and_rows_are_not_measured_together() -> None:
    with pytest.raises(OptionError, match="all take pictures, or that all take columns"):
        bench.run(bench.Setup(), bench.Setup.of(PLACE), loads=[QUICK], cold_starts=0)


def test_a_model_without_rows_of_its_own_asks_for_a_table(tmp_path: Path) -> None:
    write_people(tmp_path / "bare.onnx")
    with pytest.raises(OptionError, match="carries no rows of its own"):
        bench.run(bench.Setup.of(tmp_path / "bare.onnx"), loads=[QUICK], cold_starts=0)
