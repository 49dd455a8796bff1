"""`edgefeat-export list`: every backbone, its figures true."""

from __future__ import annotations

import json

import keras
import pytest

from edgefeat_export.cli.main import main
from edgefeat_export.networks.arithmetic import MACS
from edgefeat_export.networks.backbones import load_backbone
from edgefeat_export.networks.catalogue import BACKBONES
from edgefeat_export.networks.macs import count_macs


def test_every_backbone_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(BACKBONES)
    line = next(line for line in lines if line.startswith("mobilenet "))
    assert line.split()[1:6] == ["224x224", "1024", "3.2M", "0.57G", "Apache-2.0"]
    assert line.endswith("(alpha 0.25, 0.5, 0.75, 1)")


def test_the_list_is_there_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list(BACKBONES)
    assert rows["mobilenet_v3_small"]["minimalistic"] is True


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenet_v2"])
def test_arithmetic_is_counted(name: str) -> None:
    assert count_macs(load_backbone(name, weights="none").model) == MACS[name]


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name, b in BACKBONES.items() if b.keras_name])
def test_arithmetic_of_every_backbone_is_counted(name: str) -> None:
    """A model of shapes alone: no weights are needed to count."""
    backbone = BACKBONES[name]
    constructor = getattr(keras.applications, str(backbone.keras_name))
    model = constructor(include_top=False, weights=None, input_shape=(*backbone.size_hw, 3))
    assert count_macs(model) == MACS[name]


def test_published_figures_agree() -> None:
    """MobileNet 569M and ResNet50 3.9G multiply-accumulates, with their heads of 1 and 2M."""
    assert MACS["mobilenet"] == pytest.approx(569e6 - 1.024e6, rel=0.01)
    assert MACS["resnet50"] == pytest.approx(3.87e9, rel=0.01)
