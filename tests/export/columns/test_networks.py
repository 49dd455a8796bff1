"""Whole networks for columns, from a saved file to features: near Keras, small, the same alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from keras import layers

from column_networks import MORE_NETWORKS, NETWORKS, saved
from edgefeat import FeatureExtractor
from edgefeat.errors import OptionError, RowError, UnseenWarning
from edgefeat.model.columns import NumberInput
from edgefeat_export import build, summary
from edgefeat_export.cli.main import main
from edgefeat_export.columns.cut import cut
from edgefeat_export.columns.opening import open_table
from edgefeat_export.columns.operators import require_known
from edgefeat_export.cut.headless import taps_at
from edgefeat_export.errors import (
    BackboneError,
    ConversionError,
    ExportError,
    VerificationError,
)
from edgefeat_export.pipeline.results import BuildResult

ALL = [
    *NETWORKS,
    *(pytest.param(name, marks=pytest.mark.full) for name in MORE_NETWORKS),
]


def built(path: str, folder: Path, **options: Any) -> BuildResult:
    return build(path, folder / "out", **options)


@pytest.mark.parametrize("name", ALL)
def test_a_network_is_near_keras_and_small(name: str, tmp_path: Path) -> None:
    result = built(saved(name, tmp_path), tmp_path)
    (file,) = result.files
    assert file.path.name == f"{name}_fp32.onnx"
    assert all(parity.relative_l2_max <= 1e-6 for parity in file.parities.values())
    assert file.size_bytes < 100_000
    assert file.spec.spec_version == "2.0"
    assert file.spec.probe is not None
    assert file.spec.probe.rows
    model = onnx.load(file.path)
    foreign = {node.op_type for node in model.graph.node if node.domain == "com.microsoft"}
    assert foreign <= {"Tokenizer"}
    assert result.card.read_text().startswith(f"# {name}\n")


def test_equal_networks_give_equal_bytes(tmp_path: Path) -> None:
    path = saved("mixed", tmp_path)
    first, second = (build(path, tmp_path / folder).files[0] for folder in ("a", "b"))
    assert first.path.read_bytes() == second.path.read_bytes()


def test_the_spec_tells_the_rules_of_every_column(tmp_path: Path) -> None:
    (file,) = built(saved("mixed", tmp_path), tmp_path).files
    inputs = json.loads(file.spec.to_json())["inputs"]
    assert [(one["name"], one["kind"]) for one in inputs] == [
        ("age", "number"),
        ("income", "number"),
        ("rooms", "integer"),
        ("city", "category"),
        ("kind", "category"),
    ]
    assert inputs[1]["dtype"] == "float64"
    city, kind = inputs[3:]
    assert (city["unseen"], city["missing"], city["missing_token"]) == ("bin", "token", "")
    assert (kind["unseen"], kind["missing"], kind["values"]) == ("bin", "refuse", 2)


def test_the_spec_tells_what_is_hashed_and_how(tmp_path: Path) -> None:
    (file,) = built(saved("hashed", tmp_path), tmp_path).files
    hashes = {
        one.name: [(each.name, str(each.algorithm), each.key) for each in one.hashes or ()]
        for one in file.spec.columns
    }
    key = "850000000000000077ffffffffffffff"  # 133 and -137, little-endian
    assert hashes["city"] == [
        ("city_farmhash64", "farmhash64", None),
        ("city_siphash24", "siphash24", key),
    ]
    assert hashes["three"] == [
        ("three_siphash24_2", "siphash24", "05000000000000000500000000000000")
    ]
    assert all(hashes.values())
    with FeatureExtractor(file.path) as extractor:
        row = {"city": "Oslo", "kind": None, "place": 2.5, "rooms": 3, "code": 2**63 - 1}
        three = {"three": ["a", "b", "c"]}
        with pytest.warns(UnseenWarning, match="each has a place by its hash"):
            assert np.isfinite(extractor.extract(row | three)).all()
        with pytest.raises(RowError, match="NaN"):  # Keras's column holds 32 bits
            extractor.extract({**row, **three, "rooms": 2**40})


def test_columns_side_by_side_are_counted_one_by_one(tmp_path: Path) -> None:
    (file,) = built(saved("joined", tmp_path), tmp_path).files
    with FeatureExtractor(file.path) as extractor:
        extractor.extract({"home": None, "work": "Rome"})
        with pytest.warns(UnseenWarning, match="column 'work': 'Oslo'"):
            extractor.extract({"home": "Rome", "work": "Oslo"})
        with pytest.raises(RowError, match="NaN"):
            extractor.extract({"home": None, "work": None})


def test_nan_is_a_rule_where_the_network_bins_it(tmp_path: Path) -> None:
    (file,) = built(saved("feature_space", tmp_path), tmp_path).files
    numbers = [one for one in file.spec.columns if isinstance(one, NumberInput)]
    rules = {one.name: str(one.missing) for one in numbers}
    assert rules == {"age": "refuse", "income": "nan", "share": "refuse"}


def opened(name: str, folder: Path) -> keras.Model:
    return open_table(Path(saved(name, folder)), name=name).model


@pytest.mark.parametrize(
    ("name", "layer", "reason"),
    [
        ("autoencoder", "bottleneck", "the narrowest layer, 8 numbers wide, of an autoencoder"),
        ("mixed", "hidden", "what the last layer"),
        ("category", "vector", "it has no classification head"),
    ],
)
def test_the_head_is_the_last_layer_or_behind_the_bottleneck(
    name: str, layer: str, reason: str, tmp_path: Path
) -> None:
    body, head = cut(opened(name, tmp_path), taps_at([]))
    assert head is not None
    assert body.outputs[0].source_layer == layer
    assert head.reason.startswith(reason)


def test_tokens_are_pooled_under_their_mask(tmp_path: Path) -> None:
    path = saved("mean", tmp_path)
    embedding = next(
        layer.name
        for layer in keras.models.load_model(path).layers
        if isinstance(layer, layers.Embedding)
    )
    (file,) = built(path, tmp_path, layers=["pool", embedding, f"{embedding}:max"]).files
    assert [one.shape for one in file.spec.outputs] == [(8,), (8,), (8,)]
    assert [one.pooling for one in file.spec.outputs] == [None, "avg", "max"]
    assert all(parity.relative_l2_max <= 1e-6 for parity in file.parities.values())


def test_unit_length_is_in_the_file(tmp_path: Path) -> None:
    (file,) = built(saved("category", tmp_path), tmp_path, l2=True).files
    assert file.spec.primary.l2_normalised
    assert file.parities["features"].relative_l2_max <= 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precisions": ["int8"]}, "a network for columns is built as fp32, got int8"),
        ({"calibrate": "photos"}, "is for networks that take pictures"),
        ({"max_text": 100}, "the network takes no texts"),
    ],
)
def test_options_for_other_networks_are_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        built(saved("category", tmp_path), tmp_path, **options)
    assert not (tmp_path / "out").exists()


def test_the_command_builds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved("mean", tmp_path)
    folder = str(tmp_path / "out")
    assert main(["build", path, "-o", folder, "--max-text", "200", "--json"]) == 0
    out, err = capsys.readouterr()
    (file,) = json.loads(out)["files"]
    assert file["spec"]["inputs"] == [{"name": "text", "kind": "text", "size": 1, "max_chars": 200}]
    assert "Keras itself gives NaN and no features for text=''" in err


def test_a_value_without_a_place_is_refused_and_never_answered(tmp_path: Path) -> None:
    """Keras raises for them. Unchecked, the last row of an Embedding would answer."""
    city = keras.Input((1,), dtype="string", name="city")
    code = keras.Input((1,), dtype="int64", name="code")
    place = keras.Input((1,), dtype="uint8", name="place")
    words = layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=0)
    codes = layers.IntegerLookup(vocabulary=[4, 5], num_oov_indices=0)
    flat = layers.Flatten()
    parts = [layers.Embedding(2, 3)(words(city)), layers.Embedding(2, 3)(codes(code))]
    parts.append(layers.Embedding(7, 3)(place))
    keras.Model([city, code, place], layers.Concatenate()([flat(one) for one in parts])).save(
        tmp_path / "model.keras"
    )
    (file,) = built(str(tmp_path / "model.keras"), tmp_path).files
    good = {"city": "a", "code": 4, "place": 6}
    with FeatureExtractor(file.path) as extractor:
        assert np.isfinite(extractor.extract(good)).all()
        for name, value in {"city": "c", "code": 6, "place": 7}.items():
            with pytest.raises(RowError):
                extractor.extract({**good, name: value})
        with pytest.raises(RowError):
            extractor.extract({**good, "place": -1})


def test_rows_of_ones_own_name_the_values_and_fit_the_reduction(tmp_path: Path) -> None:
    path = saved("autoencoder", tmp_path)
    names = [f"value {n}" for n in range(20)]
    rng = np.random.default_rng(1)
    lines = [",".join(names), *(",".join(map(str, row)) for row in rng.normal(size=(30, 20)))]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join([*lines, ",".join(["?"] * 20)]))
    told: list[str] = []
    (file,) = built(path, tmp_path, rows=table, reduce="pca:3", say=told.append).files
    assert file.spec.columns[0].columns == tuple(names)
    assert file.parities["features"].rows == 30
    assert file.spec.primary.shape == (3,)
    (note,) = [line for line in told if line.startswith("note")]
    assert note.endswith("row 31: column 'value 0': expected a number, got '?'")
    with FeatureExtractor(file.path) as extractor:
        assert extractor.extract(dict(zip(names, range(20), strict=True))).shape == (3,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("city\nRome\nOslo", None),
        ("town\nRome", None),
        ("town,age\nRome,1", "expected column 'city', and 2 columns .* free: town, age"),
        ("city\n", "none of its 0 rows fits"),
        ("city,city\na,b", "two columns have one name"),
        ("city,age\na", "line 2 has another number of values"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    text: str, message: str | None, tmp_path: Path
) -> None:
    path = saved("category", tmp_path)
    (tmp_path / "rows.csv").write_text(text)
    if message is None:
        assert built(path, tmp_path, rows=tmp_path / "rows.csv").files
        return
    with pytest.raises(ExportError, match=message):
        built(path, tmp_path, rows=tmp_path / "rows.csv")


def test_a_large_vocabulary_is_told(tmp_path: Path) -> None:
    with_lookup(layers.StringLookup(vocabulary=[f"w{n}" for n in range(20_001)]), rows=20_002).save(
        tmp_path / "model.keras"
    )
    told: list[str] = []
    built(str(tmp_path / "model.keras"), tmp_path, say=told.append)
    assert any("a vocabulary of 20001 words" in line for line in told)


def test_a_file_opens_without_any_locale(tmp_path: Path) -> None:
    (file,) = built(saved("mean", tmp_path), tmp_path).files
    used = {node.op_type for node in onnx.load(file.path).graph.node}
    assert "StringNormalizer" not in used
    done = subprocess.run(
        [sys.executable, "-m", "edgefeat", "info", file.path, "--self-test"],
        env={**os.environ, "LC_ALL": "C", "LANG": "C"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "passed" in done.stdout


def test_an_operator_that_is_not_on_every_device_is_refused() -> None:
    node = onnx.helper.make_node("StringNormalizer", ["x"], ["y"], case_change_action="LOWER")
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.STRING, ["n"]) for n in "xy")
    graph = onnx.helper.make_graph([node], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    with pytest.raises(ConversionError, match="got StringNormalizer"):
        require_known(model, where="here")


def test_the_summary_marks_the_cut(tmp_path: Path) -> None:
    table = summary(saved("autoencoder", tmp_path))
    assert "◄ features" in next(line for line in table.splitlines() if "bottleneck" in line)
    assert "cut at 'bottleneck'" in table


def with_lookup(layer: Any, rows: int = 9) -> keras.Model:
    city = keras.Input((1,), dtype="string", name="city")
    return keras.Model(city, layers.Flatten()(layers.Embedding(rows, 2)(layer(city))))


def lost_words() -> keras.Model:
    words = layers.StringLookup()
    words.adapt(tf.constant(["y", "a\x85b", "z"]))
    return with_lookup(words)


def hash_of_computed() -> keras.Model:
    x = keras.Input((1,), name="x")
    bins = layers.Discretization(bin_boundaries=[0.0, 1.0])(x)
    return keras.Model(x, layers.Hashing(4, output_mode="one_hot", name="hashed")(bins))


def not_finite() -> keras.Model:
    model = with_lookup(layers.StringLookup(vocabulary=["a"]))
    embedding = next(one for one in model.layers if isinstance(one, layers.Embedding))
    embedding.set_weights([np.full((9, 2), np.nan, np.float32)])
    return model


def depends_on_the_batch() -> keras.Model:
    text = keras.Input((1,), dtype="string", name="text")
    tokens = layers.TextVectorization(vocabulary=["a", "b", "c"])(text)
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(5, 3)(tokens))
    return keras.Model(text, pooled)


def several_outputs() -> keras.Model:
    x = keras.Input((3,), name="x")
    return keras.Model(x, [layers.Dense(2, name="first")(x), layers.Dense(2, name="second")(x)])


def reserved() -> keras.Model:
    x = keras.Input((3,), name="features")
    return keras.Model(x, layers.Dense(2)(layers.Dense(2)(x)))


def open_length() -> keras.Model:
    x = keras.Input((None, 3), name="steps")
    return keras.Model(x, layers.LSTM(2)(x))


def indices() -> keras.Model:
    city = keras.Input((1,), dtype="string", name="city")
    return keras.Model(city, layers.StringLookup(vocabulary=["a"], name="words")(city))


REFUSED = {
    "Hashing 'hashed': it hashes truth values, or what other layers computed": hash_of_computed,
    "StringLookup .* its vocabulary had 4 entries when it was saved, and has 5 now": lost_words,
    "Embedding .*: it has 9 rows, and 'many' in front of it gives 12 indices": lambda: with_lookup(
        layers.StringLookup(vocabulary=list("abcdefghijk"), name="many")
    ),
    "Embedding .*: 18 of the 18 numbers of its weight 'embeddings' are not finite": not_finite,
    "a row's features depend on the rows beside it": depends_on_the_batch,
    "expected one output, .* got 2: first, second": several_outputs,
    "input 'features': every file has an output of this name": reserved,
    "input 'steps': its length is open": open_length,
    "layer 'words': it gives indices, which are no features": indices,
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_exact_is_refused_by_name_with_the_way_out(
    message: str, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(5)
    REFUSED[message]().save(tmp_path / "model.keras")
    with pytest.raises((BackboneError, VerificationError), match=message) as refused:
        built(str(tmp_path / "model.keras"), tmp_path)
    assert refused.value.remedy
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["mixed", "autoencoder", "mean"])
@pytest.mark.parametrize("options", [[], ["--allow-code"]])
def test_a_savedmodel_folder_of_columns_says_to_save_one_file(
    name: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keras.utils.set_random_seed(4)
    NETWORKS[name]().export(tmp_path / "folder", verbose=False)
    given = ["build", str(tmp_path / "folder"), "-o", str(tmp_path / "out"), *options]
    capsys.readouterr()
    assert main(given) == 3
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "error" in one]
    assert ": it takes columns, " in line
    assert "model.save('NAME.keras')" in line
    assert not (tmp_path / "out").exists()


def as_it_is(texts: tf.Tensor) -> tf.Tensor:
    return texts


def test_a_python_function_is_refused_before_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = keras.Input((1,), dtype="string", name="text")
    tokens = layers.TextVectorization(standardize=as_it_is, vocabulary=["a"], name="own")(text)
    keras.Model(text, layers.Flatten()(layers.Embedding(5, 3)(tokens))).save(
        tmp_path / "model.keras"
    )
    assert main(["build", str(tmp_path / "model.keras"), "-o", str(tmp_path / "out")]) == 3
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "error" in one]
    assert "TextVectorization 'own': its standardize is a Python function" in line
