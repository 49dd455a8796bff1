"""A plan without the packages that it needs: one line that says which, and nothing written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgefeat.cli.main import main


def test_without_pyarrow_nothing_is_walked_or_written(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    place = tmp_path / "set"
    assert main(["plan", str(photos), "-o", str(place)]) == 3
    assert capsys.readouterr().err == (
        f"edgefeat: error: {place}: Parquet needs pyarrow. "
        "Install it with `pip install 'edgefeat[parquet]'`.\n"
    )
    assert not place.exists()


def test_a_url_without_fsspec_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert main(["plan", "--status", "s3://me:secret@bucket/set"]) == 3
    said = capsys.readouterr().err
    assert "s3:// needs fsspec. Install it with `pip install 'edgefeat[remote]'`." in said
    assert "secret" not in said
