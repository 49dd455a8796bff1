"""Folders for results: made before the work, gone again if the work fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline.publish import output_folder


def test_folders_that_were_made_go_again_if_the_work_fails(tmp_path: Path) -> None:
    def work() -> None:
        with output_folder(tmp_path / "a" / "b"):
            assert (tmp_path / "a" / "b").is_dir()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_or_holds_something_stays(tmp_path: Path) -> None:
    def work() -> None:
        with output_folder(tmp_path / "a" / "b" / "c"):
            (tmp_path / "a" / "b" / "mine.txt").write_text("")
            raise KeyboardInterrupt

    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "mine.txt"]


def test_folders_stay_if_the_work_succeeds(tmp_path: Path) -> None:
    with output_folder(tmp_path / "a"):
        pass
    assert (tmp_path / "a").is_dir()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(ExportError) as refusal, output_folder(tmp_path / "a"):
        pass
    assert str(refusal.value) == (
        f"{tmp_path / 'a'}: it cannot be made a folder: File exists. Choose another one."
    )
