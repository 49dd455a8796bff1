"""A warning names the line of the user's program, not one of edgefeat's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgefeat import FeatureExtractor, ModelError
from edgefeat.model.parsing import parse_spec

Restamp = Callable[[Callable[[dict[str, Any]], None]], Path]


def newer(spec: dict[str, Any]) -> None:
    spec["spec_version"] = "1.99"


class OwnExtractor(FeatureExtractor):
    """A user's class: its line is the one that calls edgefeat."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)


@pytest.mark.parametrize("opened", [FeatureExtractor, OwnExtractor])
def test_a_warning_from_deep_inside_names_this_file(
    opened: Callable[[Path], FeatureExtractor], restamp: Restamp
) -> None:
    path = restamp(newer)
    with pytest.warns(UserWarning, match=r"spec version 1\.99 is newer") as warned:
        opened(path).close()
    assert [Path(one.filename) for one in warned] == [Path(__file__)]


def test_a_warning_from_one_call_below_names_the_same() -> None:
    with pytest.warns(UserWarning, match="is newer") as warned, pytest.raises(ModelError):
        parse_spec(json.dumps({"spec_version": "1.99"}), where="m.onnx")
    assert [Path(one.filename) for one in warned] == [Path(__file__)]
