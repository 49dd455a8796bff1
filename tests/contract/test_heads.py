"""Files with a head hold to the ONNX standard, and the types that they declare are those inferred.

The runtime writes taught files without the `onnx` package; `onnx` itself is their judge here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import keras
import onnx
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

import edgefeat
from edgefeat.model.shipped import default_model, sample_photos
from edgefeat_export import attach
from head_pipelines import columns, imputed

PARTS = 6


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """18 rows: parts of the sample photos, a folder a kind, with columns beside them."""
    root, rows = tmp_path_factory.mktemp("photos"), []
    for path in sample_photos():
        photo = cv2.imread(str(path))
        for part in range(PARTS):
            place = root / path.stem / f"{part}.png"
            place.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(place), photo[part * 9 : part * 9 + 120, part * 7 : part * 7 + 160])
            row = {"path": str(place), "kind": path.stem, "width": float(part), "price": 1.0 + part}
            rows.append({**row, "shop": "ab"[part % 2], "size": "sml"[part % 3]})
    return pd.DataFrame(rows)


def taught(table: Any, out: Path, **options: Any) -> None:
    folder = Path(table["path"][0]).parents[1]
    edgefeat.teach(folder, out, unknown=0.2, **options)


def taught_values(table: Any, out: Path) -> None:
    rows = out.with_suffix(".csv")
    table[["path", "width"]].to_csv(rows, index=False)
    edgefeat.teach(rows, out, value="width")


def taught_one_class(table: Any, out: Path) -> None:
    edgefeat.teach(Path(table["path"][0]).parent, out, one_class=True)


def attached(table: Any, out: Path) -> None:
    steps = columns(imputed(), ("size", OrdinalEncoder(), ["size"]))
    fit, rows = table[::2], table[1::2]
    pipeline = make_pipeline(steps, LogisticRegression()).fit(fit, fit["kind"])
    attach(pipeline, default_model(), rows, out)


def attached_network(table: Any, out: Path) -> None:
    features, note = (
        keras.Input((1280,), name="features"),
        keras.Input((1,), name="shop", dtype="string"),
    )
    texts = keras.layers.TextVectorization(output_sequence_length=2, vocabulary=["a", "b"])
    words = keras.layers.Flatten()(keras.layers.Embedding(4, 2)(texts(note)))
    both = keras.layers.Concatenate()([features, words])
    head = keras.Model([features, note], keras.layers.Dense(2, activation="softmax")(both))
    attach(head, default_model(), table, out)


@pytest.mark.filterwarnings(  # Keras 3.15 hands TensorFlow's variables to NumPy 2 in this way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
@pytest.mark.parametrize(
    "make", [attached_network, taught, taught_values, taught_one_class, attached]
)
def test_a_head_holds_to_the_standard(make: Any, table: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    make(table, out)
    model = onnx.load(out)
    onnx.checker.check_model(model, full_check=True)
    declared = {one.name: onnx.TypeProto.Tensor() for one in model.graph.output}
    for one in model.graph.output:
        declared[one.name].CopyFrom(one.type.tensor_type)
    answers = [one for one in model.graph.output if one.name != "features"]
    for one in answers:
        one.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    found = {one.name: one.type.tensor_type for one in inferred.graph.output}
    assert len(answers) >= 1
    for one in answers:
        assert found[one.name].elem_type == declared[one.name].elem_type, one.name
        assert sizes(found[one.name]) == sizes(declared[one.name]), one.name


def sizes(tensor: Any) -> list[int]:
    """Return the sizes of a declared tensor behind the batch axis."""
    return [side.dim_value for side in tensor.shape.dim][1:]
