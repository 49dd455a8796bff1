"""Whatever a file makes Keras or TensorFlow raise is one typed line."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from edgefeat_export import border
from edgefeat_export.cli.main import main
from edgefeat_export.errors import BackboneError, ConversionError
from edgefeat_export.saved import origin


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, layers.Dense(32, name="end")(layers.GlobalAveragePooling2D()(x)))
    folder = tmp_path_factory.mktemp("whole")
    model.save(folder / "mine.keras")
    model.save(folder / "mine.h5")
    model.export(folder / "mine", verbose=False)
    return folder


def rewrite(source: Path, target: Path, change: Callable[[Any], object], version: str = "") -> Path:
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    if version:
        members["metadata.json"] = json.dumps({"keras_version": version}).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def conv(config: Any) -> Any:
    return next(x for x in config["config"]["layers"] if x["config"].get("name") == "conv")


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "unknown setting": (lambda c: conv(c)["config"].update(sparkle=3), "sparkle"),
    "number as class": (lambda c: conv(c).update(class_name=7), "7"),
    "no layers": (lambda c: c["config"].pop("layers"), "layers"),
    "text as layers": (lambda c: c["config"].update(layers="x"), ""),
    "no such output": (lambda c: c["config"].update(output_layers=[["gone", 0, 0]]), "gone"),
}


def one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["build", *arguments, "--precision", "fp32", "-o", "never"]) == 3
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("edgefeat-export: error: ")]
    assert errors == lines[-1:]
    return errors[0]


@pytest.mark.parametrize("kind", CHANGES)
def test_an_architecture_that_makes_no_sense(
    kind: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, word = CHANGES[kind]
    path = rewrite(whole / "mine.keras", tmp_path / "odd.keras", change)
    line = one_line([str(path)], capsys)
    assert str(path) in line
    assert word in line


def test_the_innermost_reason_and_the_version_are_told(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, _ = CHANGES["unknown setting"]
    path = rewrite(whole / "mine.keras", tmp_path / "new.keras", change, "3.99.1")
    line = one_line([str(path)], capsys)
    assert "Unrecognized keyword arguments passed to Conv2D: {'sparkle': 3}" in line
    assert f"saved by Keras 3.99.1, here is Keras {keras.__version__}" in line
    assert "Install keras==3.99.1" in line


@pytest.mark.parametrize("value", [np.int64(7), b"\xff\xfe{"], ids=["number", "no text"])
def test_an_hdf5_file_whose_architecture_is_no_text(
    value: object, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shutil.copy(whole / "mine.h5", tmp_path / "odd.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = value
    assert str(path) in one_line([str(path)], capsys)


def test_a_saved_model_whose_numbers_are_missing(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(whole / "mine", tmp_path / "short"))
    next((folder / "variables").glob("*.data-*")).write_bytes(b"xx")
    assert "Read less bytes than requested" in one_line([str(folder)], capsys)


def test_a_deep_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(path := tmp_path / "deep.keras", "w") as archive:
        archive.writestr("config.json", "[" * 200_000)
    assert str(path) in one_line([str(path)], capsys)


def test_the_version_stands_in_every_format(whole: Path, tmp_path: Path) -> None:
    for name in ("mine.keras", "mine.h5"):
        assert origin.keras_version_of(whole / name) == keras.__version__
    (tmp_path / "empty").write_bytes(b"")
    assert origin.keras_version_of(tmp_path / "empty") is None


def test_reasons_are_followed_to_the_last_one() -> None:
    text = "no.\n\nconfig={...}.\n\nException encountered: Error.\n\nException encountered: because"
    outer = RuntimeError("something went wrong")
    outer.__cause__ = ValueError(f"{text} the kernel is too large")
    with (
        pytest.raises(ConversionError) as refusal,
        border.explained("it failed", where="mine", remedy="Try again.", error=ConversionError),
    ):
        raise outer
    assert str(refusal.value) == "mine: it failed: because the kernel is too large. Try again."


def test_errors_of_ours_and_a_full_disk_pass() -> None:
    with (
        pytest.raises(BackboneError, match="ours"),
        border.explained("it failed", where="mine", remedy="Try again."),
    ):
        raise BackboneError("ours")
    with (
        pytest.raises(OSError, match="No space left"),
        border.explained("it failed", where="mine", remedy="Try again."),
    ):
        raise OSError(28, "No space left on device")
