"""`edgefeat-export verify` of files for columns: on rows by rule, on rows of a file, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from column_networks import saved
from edgefeat.errors import OptionError
from edgefeat_export import build, verify
from edgefeat_export.cli.main import main
from edgefeat_export.errors import ExportError, VerificationError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """A file, its network, and the folder of both."""
    folder = tmp_path_factory.mktemp("verified")
    network = saved("hashed", folder)
    (file,) = build(network, folder / "out").files
    return file.path, network, folder


def test_a_file_is_compared_on_rows_by_rule(made: tuple[Path, str, Path]) -> None:
    path, network, _ = made
    told: list[str] = []
    found = verify(path, network, say=told.append)
    assert found.same_weights
    assert (found.parities["features"].rows or 0) > 100
    assert found.parities["features"].relative_l2_max <= 1e-6
    assert told == [f"comparing {path.name} with Keras on rows made by rule, ordinary and awkward"]


def test_the_command_compares_on_rows_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = saved("category", tmp_path)
    (file,) = build(network, tmp_path / "out", layers=[], l2=True).files
    table = tmp_path / "rows.csv"
    table.write_text("city\nRome\nOslo\nK\u00f6ln\n", "utf-8")
    given = ["verify", str(file.path), "--against", network, "--rows", str(table), "--json"]
    assert main(given) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["passed"], document["same_weights"]) == (True, True)
    assert "with Keras on 3 rows" in err


def test_other_weights_are_told_and_miss_the_gate(
    made: tuple[Path, str, Path], tmp_path: Path
) -> None:
    path, network, _ = made
    model = keras.models.load_model(network)
    dense = next(one for one in model.layers if one.name == "hidden")
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel * 1.01, bias])
    model.save(tmp_path / "hashed.keras")
    told: list[str] = []
    with pytest.raises(VerificationError):
        verify(path, tmp_path / "hashed.keras", say=told.append)
    assert told[0] == f"note: the weights differ from those {path.name} was made from"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": "photos"}, "images: .*the file takes columns, and no pictures"),
        ({"rows": "none.csv"}, "none.csv: it cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused(
    made: tuple[Path, str, Path], options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ExportError, OptionError), match=message):
        verify(made[0], made[1], **options)


def test_a_network_of_other_columns_is_refused(tmp_path: Path) -> None:
    (file,) = build(saved("category", tmp_path), tmp_path / "out").files
    town = keras.Input((2,), dtype="string", name="town")
    words = layers.StringLookup(vocabulary=["Rome"])
    vector = layers.Flatten(name="vector")(layers.Embedding(2, 3)(words(town)))
    keras.Model(town, vector).save(tmp_path / "town.keras")
    with pytest.raises(ExportError) as refused:
        verify(file.path, tmp_path / "town.keras")
    assert refused.value.problem == (
        "the network takes town (category x 2), and the file city (category)"
    )


def test_pictures_are_asked_for_where_the_file_takes_them() -> None:
    shipped = Path(__file__).parents[3] / "models" / "efficientnet_lite0_224_int8.onnx"
    with pytest.raises(OptionError, match="expected a folder of pictures"):
        verify(shipped, "mobilenet")
    with pytest.raises(OptionError, match="the file takes pictures"):
        verify(shipped, "mobilenet", "photos", rows="rows.csv")
