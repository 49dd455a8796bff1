"""The model with columns that is written by hand is sound ONNX, and what its script writes."""

from __future__ import annotations

from pathlib import Path

import onnx

from column_models import PLACE, PROBE_ROWS, probe_of, write_people


def test_the_committed_model_with_columns_is_what_its_script_writes(tmp_path: Path) -> None:
    write_people(tmp_path / "again.onnx", probe=probe_of(PROBE_ROWS))
    assert (tmp_path / "again.onnx").read_bytes() == PLACE.read_bytes()


def test_a_model_written_by_hand_is_sound_onnx() -> None:
    model = onnx.load(PLACE)
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == ["age", "rooms", "city", "note"]
