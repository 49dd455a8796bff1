"""A workstation that demands signed models can still make the models that are to be signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgefeat.model.file import KEY_VARIABLE
from edgefeat.model.shipped import default_model_path
from edgefeat_export.cli.main import main


def test_the_variable_of_a_fleet_is_left_aside_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "fleet.pub"))
    out = tmp_path / "camera.onnx"
    command = ["bundle", str(default_model_path()), "--frame", "640x480", "-o", str(out)]
    assert main(command) == 0, capsys.readouterr().err
    assert out.is_file()
    assert (
        "EDGEFEAT_VERIFY_KEY is left aside: models are signed when they are finished"
        in capsys.readouterr().err
    )
