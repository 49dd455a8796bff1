"""Keras models behind a model: equal answers, equal features, and clear refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import edgefeat
from edgefeat.errors import OptionError, RowError
from edgefeat.model.columns import CategoryInput, IntegerInput, NumberInput, TextInput
from edgefeat.model.file import read_model_file
from edgefeat_export import attach
from edgefeat_export.cli.main import main
from edgefeat_export.errors import BackboneError, ConversionError, ExportError

# What its C++ part tells of GPUs before it has a log level.
OF_TENSORFLOW = re.compile(
    r"[IWE]\d{4} \d\d:|WARNING: All log messages before absl|\d{4}-\d\d-\d\d [\d:.]+: [IWE] \w+/"
)

Parts = tuple[Any, Any]
CLASSES = ("chelsea", "coffee", "rocket")
WORDS = ["Köln", "Rome", "NA"]


def photo() -> Any:
    return keras.Input((1280,), name="features")


def mixed() -> keras.Model:
    """A head on the photo, a number, a whole number, a word (known and hashed) and a text."""
    keras.utils.set_random_seed(0)
    inputs = [
        keras.Input((1,), name="width"),
        photo(),
        keras.Input((1,), name="size", dtype="int32"),
        keras.Input((1,), name="shop", dtype="string"),
        keras.Input((1,), name="note", dtype="string"),
    ]
    width, features, size, shop, note = inputs
    texts = layers.TextVectorization(output_sequence_length=4, vocabulary=["red", "blue"])
    words = layers.Embedding(texts.vocabulary_size(), 3)(texts(note))
    together = layers.Concatenate()(
        [
            features,
            layers.Normalization(mean=100.0, variance=900.0)(width),
            layers.StringLookup(vocabulary=WORDS, output_mode="one_hot")(shop),
            layers.Hashing(5, output_mode="one_hot")(shop),
            layers.GlobalAveragePooling1D()(words),
            layers.Flatten()(layers.Embedding(4, 2)(size)),
        ]
    )
    hidden = layers.Dropout(0.5)(layers.Dense(8, activation="relu")(together))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden), name="mixed")


def with_columns(frame: Any) -> Any:
    sizes = [int(one) % 4 for one in frame["when"]]
    notes = [("Red!", "blue  blue", "", "GRÜN red")[one] for one in sizes]
    shops = [("NA", "Rome", "Oslo")[one % 3] for one in sizes]
    return frame.assign(size=sizes, note=notes, shop=shops)


@pytest.mark.filterwarnings("ignore::edgefeat.errors.UnseenWarning")
def test_a_network_of_all_kinds_of_columns_answers_as_in_keras(
    parts: Parts, model: str, out: Path
) -> None:
    rows, head = with_columns(parts[1]), mixed()
    done = attach(head, model, rows, out, classes=CLASSES)
    assert (done.reference, done.columns) == ("Keras", ("width", "size", "shop", "note"))
    assert done.differences["label"] == 0
    assert done.differences["probabilities"] < 1e-6
    kinds = [type(one) for one in read_model_file(out).spec.columns]
    assert kinds == [NumberInput, IntegerInput, CategoryInput, TextInput]
    with edgefeat.FeatureExtractor(model) as before, edgefeat.Predictor(out) as predictor:
        assert predictor.fingerprint == before.fingerprint
        for number in range(len(rows)):
            row = rows[list(done.columns)].iloc[number].to_dict()
            said = predictor.predict(rows["path"][number], row)
            vector = before.extract(rows["path"][number])
            assert said.features.tobytes() == vector.tobytes()
            given = {name: keras.ops.convert_to_tensor([[row[name]]]) for name in row}
            wanted = np.asarray(head({"features": keras.ops.stack([vector]), **given}))[0]
            assert said.probabilities is not None
            assert list(said.probabilities.values()) == pytest.approx(wanted, abs=1e-6)
            assert said.label == CLASSES[int(wanted.argmax())]
        assert predictor.self_test()
        with pytest.raises(RowError, match="column 'width'"):
            predictor.predict(rows["path"][0], {**row, "width": None})
        with pytest.raises(RowError, match="'probabilities' has NaN or infinity"):
            predictor.predict(rows["path"][0], {**row, "size": 4})  # an Embedding of four rows


def test_a_sigmoid_answers_one_of_two(parts: Parts, model: str, out: Path) -> None:
    features = photo()
    head = keras.Model(features, layers.Dense(1, activation="sigmoid")(features))
    done = attach(head, model, parts[1], out)
    assert (done.classes, done.columns) == (("0", "1"), ())
    with edgefeat.Predictor(out) as predictor:
        said = predictor.predict(parts[1]["path"][0])
        (chance,) = np.asarray(head(said.features[np.newaxis]))[0]
    assert said.probabilities == pytest.approx({"0": 1 - chance, "1": chance}, abs=1e-6)


def test_a_number_may_be_answered_and_a_mask_stands_for_a_missing_one(
    parts: Parts, model: str, out: Path
) -> None:
    features, size = photo(), keras.Input((1,), name="size", dtype="int64")
    lookup = layers.IntegerLookup(vocabulary=[1, 2, 3], mask_token=0, output_mode="int")
    known = layers.Flatten()(layers.Embedding(5, 2)(lookup(size)))
    both = layers.Concatenate()([features, known])
    head = keras.Model([features, size], layers.Dense(1)(both))
    rows = with_columns(parts[1]).astype({"size": "Int64"})
    rows.loc[2, "size"] = None
    assert attach(head, model, rows, out).classes is None
    with edgefeat.Predictor(out) as predictor:
        said = predictor.predict(rows["path"][2], {"size": None})
        wanted = head([said.features[np.newaxis], np.array([[0]])])
    assert said.value == pytest.approx(float(np.asarray(wanted)[0, 0]), rel=1e-5, abs=1e-6)


def test_a_saved_network_is_attached_by_the_command(
    parts: Parts, model: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mixed().save(tmp_path / "head.keras")
    with_columns(parts[1]).to_csv(tmp_path / "rows.csv", index=False)  # "NA" is one of its words
    words = ["attach", model, str(tmp_path / "head.keras"), "--rows", str(tmp_path / "rows.csv")]
    words += ["--classes", ",".join(CLASSES), "--photo", "path", "-o", str(tmp_path / "out.onnx")]
    assert main([*words, "--json"]) == 0
    said, noise = capfd.readouterr()
    assert json.loads(said)["classes"] == list(CLASSES)
    assert [line for line in noise.splitlines() if not OF_TENSORFLOW.match(line)] == []
    words[2] = str(tmp_path / "none.keras")
    (tmp_path / "none.keras").write_bytes(b"PK no model")
    assert main(words) == 3
    assert "none.keras" in capfd.readouterr().err


def dense(*more: Any, units: int = 3, activation: str | None = "softmax") -> keras.Model:
    features = photo()
    return keras.Model([features, *more], layers.Dense(units, activation=activation)(features))


def not_a_number() -> keras.Model:
    head = dense()
    head.set_weights([np.full_like(one, np.nan) for one in head.get_weights()])
    return head


def of_another_name() -> keras.Model:
    photos = keras.Input((1280,), name="photos")
    return keras.Model(photos, layers.Dense(3, activation="softmax")(photos))


def narrow() -> keras.Model:
    features = keras.Input((960,), name="features")
    return keras.Model(features, layers.Dense(3, activation="softmax")(features))


def of_two_ends() -> keras.Model:
    features = photo()
    return keras.Model(features, [layers.Dense(2)(features), layers.Dense(1)(features)])


REFUSED: dict[str, tuple[Callable[[], keras.Model], type[Exception], str]] = {
    "scores": (
        lambda: dense(activation=None),
        ConversionError,
        "ends in 3 numbers by linear: no probabilities. Known are",
    ),
    "several labels": (
        lambda: dense(activation="sigmoid"),
        ConversionError,
        "ends in 3 numbers by sigmoid: several labels for a row. Known are",
    ),
    "weights that are not finite": (not_a_number, BackboneError, "are not finite"),
    "another name": (of_another_name, ConversionError, "expected an input 'features' of 1280"),
    "another model's": (narrow, ConversionError, "takes (960,), the model gives (1280,)"),
    "two ends": (of_two_ends, ConversionError, "has 2 outputs, expected one"),
    "a column of a taken name": (
        lambda: dense(keras.Input((1,), name="image")),
        ConversionError,
        "the column 'image' has the name of an input or output of the file",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused(case: str, parts: Parts, model: str, out: Path) -> None:
    make, kind, message = REFUSED[case]
    rows = parts[1].assign(image=1.0)
    with pytest.raises(kind) as caught:
        attach(make(), model, rows, out)
    assert message in str(caught.value)
    assert list(out.parent.iterdir()) == []


def test_options_and_rows_that_do_not_fit_are_named(parts: Parts, model: str, out: Path) -> None:
    rows = with_columns(parts[1])
    with pytest.raises(OptionError, match="expected 3 different names, got 'a', 'b'"):
        attach(dense(), model, rows, out, classes=["a", "b"])
    with pytest.raises(OptionError, match="does not apply: the network gives a number"):
        attach(dense(units=1, activation=None), model, rows, out, classes=["a"])
    with pytest.raises(ExportError, match="no column 'note'; there is 'path',"):
        attach(mixed(), model, rows.drop(columns="note"), out)
    with pytest.raises(ExportError, match="row 2: column 'shop': expected a text, got 7"):
        attach(mixed(), model, rows.assign(shop=["Rome", "Rome", 7, *["Rome"] * 6]), out)
    with pytest.raises(ExportError, match="no column 'foto'; there is"):
        attach(dense(), model, rows, out, photo="foto")
    assert list(out.parent.iterdir()) == []
