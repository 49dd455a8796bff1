"""Reports as JSON files: read back as they were, refused where they are foreign."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgefeat.bench import BenchReport, read_report, write_report
from edgefeat.errors import SourceError
from known_runs import report


def test_a_report_survives_writing_and_reading(tmp_path: Path) -> None:
    found = report(np.full(160, 2.0))
    write_report(found, tmp_path / "r.json")
    assert read_report(tmp_path / "r.json") == found


def test_keys_of_a_later_version_are_kept() -> None:
    document = report(np.full(160, 2.0)).as_dict() | {"new": [1]}
    found = BenchReport.from_dict(document)
    assert found.extra == {"new": [1]}
    assert found.as_dict()["new"] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "no",
            "expected JSON of `edgefeat bench`, got Expecting value: line 1 column 1 (char 0).",
        ),
        (
            "[]",
            "schema: expected 'edgefeat.bench/1', got None. "
            "Make the file with `edgefeat bench --json FILE`.",
        ),
        (
            json.dumps({"schema": "edgefeat.bench/2"}),
            "schema: expected 'edgefeat.bench/1', got 'edgefeat.bench/2'. "
            "Make the file with `edgefeat bench --json FILE`.",
        ),
        (
            json.dumps({"schema": "edgefeat.bench/1"}),
            "created: expected a string, got nothing. "
            "Make the file again with `edgefeat bench --json FILE`.",
        ),
    ],
    ids=["no-json", "no-report", "other-schema", "incomplete"],
)
def test_foreign_reports_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(SourceError) as raised:
        read_report(path)
    assert str(raised.value) == f"{path}: {message}"


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(SourceError) as raised:
        read_report(path)
    assert (
        str(raised.value) == f"{path}: cannot be read: No such file or directory. Check the path."
    )
