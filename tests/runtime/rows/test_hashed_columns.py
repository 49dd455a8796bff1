"""Columns that a model takes hashes of: computed on the device, whatever form rows come in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx_by_hand as by_hand
from column_models import SOURCE
from edgefeat import FeatureExtractor, ModelError, RowError
from edgefeat.model.columns import (
    CategoryInput,
    HashAlgorithm,
    HashInput,
    IntegerInput,
    MissingToken,
    NumberInput,
    Unseen,
)
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.spec import ModelSpec, OutputKind, OutputSpec
from hash_oracle import page_functions
from onnx_by_hand import constant, node, value
from tests_support import join_model

KEY = bytes(range(16))
BINS = 2**20
FARM = HashAlgorithm.FARMHASH64
CITY = CategoryInput(
    name="city",
    hashes=(
        HashInput(name="city_farm", algorithm=FARM),
        HashInput(name="city_sip", algorithm=HashAlgorithm.SIPHASH24, key=KEY.hex()),
    ),
    unseen=Unseen.HASH,
    missing=MissingToken.TOKEN,
    missing_token="?",  # noqa: S106 - no password
    values=0,
)
COLUMNS = (
    CITY,
    IntegerInput(name="code", hashes=(HashInput(name="code_farm", algorithm=FARM),)),
    NumberInput(name="price", hashes=(HashInput(name="price_farm", algorithm=FARM),)),
)
ROWS = [
    {"city": "Köln", "code": -17, "price": -0.9},
    {"city": "x\x00", "code": 2**63 - 1, "price": 16777217.0},
    {"city": "東京" * 30, "code": 0, "price": 2.0**63 - 2.0**39},
]
Row = dict[str, Any]


def write(path: Path, columns: tuple[Any, ...] = COLUMNS) -> Path:
    """Write a model whose features are each hash's last 20 bits."""
    hashes = ["city_farm", "city_sip", "code_farm", "price_farm"]
    steps = [node("Concat", " ".join(hashes), "all", attributes={"axis": 1})]
    steps += [
        node("Mod", "all bins", "bits"),
        node("Cast", "bits", "features", attributes={"to": 1}),
    ]
    graph = by_hand.model(
        steps,
        [constant("bins", np.array([[BINS]], np.int64))],
        [
            value("city", "string", 1),
            *(value(name, "int64", 1) for name in hashes[:2]),
            value("code", "int64", 1),
            value("code_farm", "int64", 1),
            value("price", "float32", 1),
            value("price_farm", "int64", 1),
        ],
        [value("features", "float32", 4)],
    )
    said = (OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(4,), source_layer="bits"),)
    spec = ModelSpec(
        spec_version="2.0",
        name="hashed",
        precision="fp32",
        inputs=columns,
        outputs=said,
        source=SOURCE,
        parity=None,
        probe=None,
        fingerprint=fingerprint(hashlib.sha256(graph).hexdigest(), columns, said),
    )
    path.write_bytes(join_model(graph, {"edgefeat.spec": spec.to_json()}))
    return path


def expected(row: Row) -> list[float]:
    page = page_functions()
    farm, sip = page["farmhash64"], page["siphash24"]
    city = ("?" if row["city"] is None else row["city"]).encode()
    digits = str(row["code"]).encode(), str(int(np.float32(row["price"]))).encode()
    words = [farm(city), sip(city, KEY), *map(farm, digits)]
    return [float(word % BINS) for word in words]


@pytest.fixture
def extractor(tmp_path: Path) -> Iterator[FeatureExtractor]:
    with FeatureExtractor(write(tmp_path / "hashed.onnx")) as opened:
        yield opened


def test_every_form_of_rows_is_hashed_alike(extractor: FeatureExtractor) -> None:
    wanted = np.array([expected(row) for row in ROWS], np.float32)
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    arrays = columns | {"price": np.array(columns["price"]), "code": np.array(columns["code"])}
    for given in (ROWS, columns, arrays):
        np.testing.assert_array_equal(extractor.extract_batch(given), wanted)
    np.testing.assert_array_equal([extractor.extract(row) for row in ROWS], wanted)


def test_a_missing_word_is_hashed_as_what_stands_for_it(extractor: FeatureExtractor) -> None:
    row = {**ROWS[0], "city": None}
    assert extractor.extract(row).tolist() == expected(row)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"price": 1e30},
            "column 'price': expected a number below 2**63, for the model hashes its whole part, "
            "got 1e+30.",
        ),
        (
            {"price": None},
            "column 'price': expected a number, got None: a value is missing, and the model has no "
            "rule for that. Fill it in, or leave the row out.",
        ),
        ({"code": 2**63}, f"column 'code': expected a whole number of 64 bits, got {2**63}."),
        (
            {"city": "\ud800"},
            "column 'city': expected a text that has a UTF-8 form, got '\\ud800' with half a "
            "surrogate pair at 0. It was decoded wrongly, or cut within a character: read it anew.",
        ),
    ],
)
def test_what_has_no_hash_is_refused_and_the_rest_goes_on(
    extractor: FeatureExtractor, change: Row, message: str
) -> None:
    bad = {**ROWS[1], **change}
    with pytest.raises(RowError) as refused:
        extractor.extract(bad)
    assert str(refused.value) == message
    found = list(extractor.iter_features([ROWS[0], bad, ROWS[2]], on_error="skip"))
    assert isinstance(found[1], RowError)
    np.testing.assert_array_equal(
        np.array([found[0], found[2]]), [expected(ROWS[0]), expected(ROWS[2])]
    )


def test_an_array_with_a_number_too_large_is_looked_at_one_by_one(
    extractor: FeatureExtractor,
) -> None:
    table = {"city": ["a", "b"], "code": [1, 2], "price": np.array([1.0, 1e20])}
    with pytest.raises(RowError, match=r"row 1: column 'price': expected a number below 2\*\*63"):
        extractor.extract_batch(table)


def test_a_file_whose_hashes_are_not_its_graphs_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "less.onnx", (CITY, IntegerInput(name="code"), COLUMNS[2]))
    with pytest.raises(ModelError, match="inputs: the spec says"):
        FeatureExtractor(path)
