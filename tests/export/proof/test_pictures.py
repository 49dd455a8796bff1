"""Pictures to calibrate and verify with: nothing is left out without a word."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgefeat.model.spec import InputSpec
from edgefeat_export.errors import ExportError
from edgefeat_export.proof import calibration, pictures

SPEC = InputSpec(size_hw=(24, 32))


def test_what_cannot_be_read_or_is_not_taken_is_told(photos: Path, tmp_path: Path) -> None:
    for photo in photos.glob("*.jpg"):
        shutil.copy(photo, tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    said: list[str] = []
    found = pictures.from_folder(tmp_path, SPEC, at_most=4, say=said.append)
    assert found.shape == (3, 24, 32, 3)
    (line,) = said
    assert line.startswith(f"left out: {tmp_path / 'broken.png'}: ")
    said.clear()
    assert len(pictures.from_folder(tmp_path, SPEC, at_most=2, say=said.append)) >= 1
    assert f"taking 2 of the 4 pictures of {tmp_path}, evenly spread" in said


def test_a_folder_without_readable_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ExportError) as refusal:
        pictures.from_folder(tmp_path, SPEC, at_most=4, say=lambda _line: None)
    assert str(refusal.value).startswith(
        f"{tmp_path}: none of 1 pictures can be read, the first because: {tmp_path}/broken.png: "
    )
    assert str(refusal.value).endswith(" Give others.")


def test_a_folder_that_is_not_there_or_is_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as refusal:
        pictures.from_folder(tmp_path / "none", SPEC, at_most=4, say=lambda _line: None)
    assert str(refusal.value) == f"{tmp_path / 'none'}: no such folder. Give a folder of pictures."
    with pytest.raises(ExportError, match=r"no file in this folder\. Give a folder of pictures"):
        pictures.from_folder(tmp_path, SPEC, at_most=4, say=lambda _line: None)


def test_the_pictures_to_verify_with_are_the_same_every_time_and_calibrate_nothing() -> None:
    first, again = (pictures.for_verification(None, SPEC, say=lambda _line: None) for _ in range(2))
    assert first.shape == (pictures.VERIFICATION_PICTURES, 24, 32, 3)
    np.testing.assert_array_equal(first, again)
    calibrating = calibration.for_calibration(None, SPEC, say=lambda _line: None).pictures
    assert not {one.tobytes() for one in first} & {one.tobytes() for one in calibrating}


def test_the_pictures_of_the_user_are_counted_in_the_origin(photos: Path) -> None:
    found = calibration.for_calibration(photos, SPEC, count=2, say=lambda _line: None)
    assert found.pictures.shape == (2, 24, 32, 3)
    assert found.origin == "2 pictures of the user, half of them blurred"
