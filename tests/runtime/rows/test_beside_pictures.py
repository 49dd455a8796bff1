"""Networks whose features come of a picture and a row: both are asked for, and never made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from answering_models import SIDE, write_mixed
from edgefeat import FeatureExtractor, ImageError, RowError
from edgefeat.cli.main import main
from edgefeat.errors import OptionError


@pytest.fixture
def mixed(tmp_path: Path) -> FeatureExtractor:
    write_mixed(tmp_path / "mixed.onnx")
    return FeatureExtractor(tmp_path / "mixed.onnx")


def flat(level: int) -> Any:
    return np.full((SIDE, SIDE, 3), level, np.uint8)


def test_a_picture_with_its_row(mixed: FeatureExtractor) -> None:
    assert mixed.extract(flat(7), {"level": 3}).tolist() == [7, 7, 7, 3]
    found = mixed.extract_outputs(flat(7), {"level": 3})
    assert {name: array.tolist() for name, array in found.items()} == {"features": [7, 7, 7, 3]}


@pytest.mark.parametrize("workers", [1, 2])
def test_several_in_order(mixed: FeatureExtractor, workers: int, tmp_path: Path) -> None:
    pictures: list[Any] = [flat(n) for n in range(20)]
    rows = {"level": list(range(100, 120))}
    expected = [[n, n, n, 100 + n] for n in range(20)]
    assert mixed.extract_batch(pictures, rows, workers=workers).tolist() == expected
    pictures[3] = tmp_path / "none.jpg"
    rows["level"][5] = "high"  # type: ignore[call-overload]
    found = list(mixed.iter_features(pictures, rows, workers=workers, on_error="skip"))
    assert isinstance(found[3], ImageError)
    assert isinstance(found[5], RowError)
    assert str(found[5]).startswith("row 5: column 'level': expected a number, got 'high'")
    assert np.isnan(mixed.extract_batch(pictures, rows, on_error="skip")[[3, 5]]).all()


def test_neither_is_made_up(
    mixed: FeatureExtractor, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = mixed.prepare(flat(1))[np.newaxis]
    for call in (
        lambda: mixed.extract(flat(1)),
        lambda: mixed.extract_batch([flat(1)]),
        lambda: mixed.extract_outputs(flat(1)),
        lambda: mixed.extract_prepared(prepared),
        lambda: mixed.outputs_prepared(prepared),
    ):
        with pytest.raises(OptionError, match="expected a row beside the picture, with the colum"):
            call()
    for command in ("extract", "stream"):
        words = [command, str(photos), "--model", str(mixed.path), "-o", f"{tmp_path}/out.jsonl"]
        assert main(words) == 2
        assert "expected a row beside the picture" in capsys.readouterr().err
