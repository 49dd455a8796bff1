"""Small models with columns whose outputs anybody can compute by hand, written without `onnx`.

    python tests/support/column_models.py

writes tests/data/people.onnx: `features` are ((age - 40) / 10, rooms, city, note), where a missing
age is 40, and a city or note is its place in the vocabulary from 1, or 0.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import onnx_by_hand as by_hand
from edgefeat.model.columns import (
    CategoryInput,
    IntegerInput,
    MissingNumber,
    NumberInput,
    TextInput,
    Unseen,
)
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.spec import ModelSpec, OutputKind, OutputSpec, Probe, SourceSpec
from onnx_by_hand import ML, constant, node, value
from tests_support import join_model

PLACE = Path(__file__).parents[1] / "data" / "people.onnx"
CITIES = ("Köln", "Paris", "Rome")
NOTES = ("good", "bad")
COLUMNS = (
    NumberInput(name="age", missing=MissingNumber.NAN, range=(0.0, 99.0)),
    IntegerInput(name="rooms"),
    CategoryInput(name="city", unseen=Unseen.BIN, values=len(CITIES)),
    TextInput(name="note", max_chars=40),
)
PROBE_ROWS: list[dict[str, Any]] = [
    {"age": age, "rooms": rooms, "city": city, "note": note}
    for age, rooms, city, note in (
        (40.0, 0, "Köln", "good"),
        (None, -(2**31), "Paris", "bad"),
        (0.1, 2**31, "Rome", ""),
        (1e30, 1, "", "unheard of"),
    )
]
SOURCE = SourceSpec(backbone="by hand", weights="none", weights_sha256=None, licence="Apache-2.0")


def features_of(row: Mapping[str, Any]) -> list[float]:
    """Return what `write_people` computes for one row, in plain Python."""
    age = row["age"]
    known = 40.0 if age is None or np.isnan(age) else age
    city = CITIES.index(row["city"]) + 1 if row["city"] in CITIES else 0
    note = NOTES.index(row["note"]) + 1 if row["note"] in NOTES else 0
    return [(known - 40.0) / 10.0, float(row["rooms"]), float(city), float(note)]


def people_graph(*, unseen: bool = True) -> bytes:
    """Return the graph: four columns in; `features` (4,) and, if wanted, `unseen` (1,) out."""
    steps = [
        node("IsNaN", "age", "age_is_missing"),
        node("Where", "age_is_missing mean age", "age_known"),
        node("Sub", "age_known mean", "age_centred"),
        node("Div", "age_centred spread", "age_scaled"),
        node("Cast", "rooms", "rooms_float", attributes={"to": 1}),
        _lookup("city", CITIES),
        node("Cast", "city_index", "city_float", attributes={"to": 1}),
        _lookup("note", NOTES),
        node("Cast", "note_index", "note_float", attributes={"to": 1}),
        node(
            "Concat", "age_scaled rooms_float city_float note_float", "features",
            attributes={"axis": 1},
        ),
        node("Equal", "city_index nothing", "city_unseen"),
        node("Cast", "city_unseen", "unseen", attributes={"to": 7}),
    ]  # fmt: skip
    constants = [
        constant("mean", np.array([[40.0]], np.float32)),
        constant("spread", np.array([[10.0]], np.float32)),
        constant("nothing", np.array([[0]], np.int64)),
    ]
    inputs = [
        value("age", "float32", 1),
        value("rooms", "int64", 1),
        value("city", "string", 1),
        value("note", "string", 1),
    ]
    outputs = [value("features", "float32", 4), value("unseen", "int64", 1)]
    return by_hand.model(steps, constants, inputs, outputs if unseen else outputs[:1])


def write_people(
    path: Path,
    *,
    columns: tuple[Any, ...] = COLUMNS,
    graph: bytes | None = None,
    **changes: Any,
) -> ModelSpec:
    """Write the model of `people_graph`; return what it says of itself.

    Args:
        path: Place of the file.
        columns: What the spec says of the columns.
        graph: Another graph.
        changes: Fields of the spec that are to differ.
    """
    vector = OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(4,), source_layer="by hand")
    graph = people_graph() if graph is None else graph
    seal = fingerprint(hashlib.sha256(graph).hexdigest(), columns, (vector,))
    spec = ModelSpec(
        spec_version="2.0",
        name="people",
        precision="fp32",
        inputs=columns,
        outputs=(vector,),
        source=SOURCE,
        parity=None,
        probe=None,
        fingerprint=seal,
    )
    spec = replace(spec, **changes)
    path.write_bytes(join_model(graph, {"edgefeat.spec": spec.to_json()}))
    return spec


def probe_of(rows: list[dict[str, Any]]) -> Probe:
    """Return the probe of `write_people` with these rows, computed in plain Python."""
    expected = np.array([features_of(row) for row in rows], "<f4")
    return Probe(
        generator="rows",
        rows=tuple(rows),
        expected=base64.b64encode(expected.tobytes()).decode(),
        expected_dtype="float32",
        relative_l2_max=1e-6,
    )


def _lookup(column: str, words: tuple[str, ...]) -> bytes:
    return node(
        "LabelEncoder",
        column,
        f"{column}_index",
        domain=ML,
        attributes={
            "keys_strings": words,
            "values_int64s": tuple(range(1, len(words) + 1)),
            "default_int64": 0,
        },
    )


if __name__ == "__main__":
    write_people(PLACE, probe=probe_of(PROBE_ROWS))
