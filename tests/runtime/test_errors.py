"""Errors have parts: Python users read keywords, command-line users read flags."""

from __future__ import annotations

import pickle

import pytest

from edgefeat.errors import EdgefeatError, ImageError, OptionError

FLAGS = {"max_pixels": "--max-pixels", "strict=False": "--no-strict"}


@pytest.mark.parametrize(
    ("error", "python", "command_line"),
    [
        (ImageError("it is empty"), "it is empty.", "it is empty."),
        (
            ImageError("it is empty", where="a.jpg", remedy="Copy it again"),
            "a.jpg: it is empty. Copy it again.",
            "a.jpg: it is empty. Copy it again.",
        ),
        (
            OptionError("expected 1 or more, got 0", option="max_pixels"),
            "max_pixels: expected 1 or more, got 0.",
            "--max-pixels: expected 1 or more, got 0.",
        ),
        (
            EdgefeatError(
                "the CPU runs", remedy="Pass {option} to accept it.", option="strict=False"
            ),
            "the CPU runs. Pass strict=False to accept it.",
            "the CPU runs. Pass --no-strict to accept it.",
        ),
    ],
    ids=["problem", "all but an option", "option before", "option in the remedy"],
)
def test_parts_become_a_message(error: EdgefeatError, python: str, command_line: str) -> None:
    assert str(error) == python
    assert error.message(FLAGS.__getitem__) == command_line


def test_outer_places_stand_in_front_and_the_reason_has_none() -> None:
    error = ImageError("it is empty", where="a.jpg", remedy="Copy it again.").within("row 3")
    assert str(error.within("table.csv")) == "table.csv: row 3: a.jpg: it is empty. Copy it again."
    assert error.reason == "it is empty. Copy it again."
    assert str(ImageError("it is empty").within("row 3")) == "row 3: it is empty."


def test_parts_survive_pickling() -> None:
    error = ImageError("it is empty", where="a.jpg", remedy="Copy it again.", option="x")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    assert type(copy) is ImageError
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_a_wrong_option_is_a_value_error_and_not_one_of_edgefeats_own() -> None:
    assert issubclass(OptionError, ValueError)
    assert not issubclass(OptionError, EdgefeatError)
