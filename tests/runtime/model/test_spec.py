"""The contract: specs survive a round trip, and every fault is named by its path."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from edgefeat import ModelError
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.parsing import parse_spec
from edgefeat.model.spec import (
    InputSpec,
    ModelSpec,
    OutputKind,
    OutputSpec,
)

REMEDY = "Export the model again with `edgefeat-export build`."


def document() -> dict[str, Any]:
    return {
        "spec_version": "1.0",
        "name": "tiny",
        "precision": "fp32",
        "input": {
            "name": "image",
            "size_hw": [8, 6],
            "colour": "rgb",
            "resize": {
                "mode": "stretch",
                "interpolation": "antialias",
                "decode": "full",
                "crop_fraction": 1.0,
                "pad_value": 127,
            },
        },
        "outputs": [
            {
                "name": "features",
                "kind": "vector",
                "shape": [4],
                "source_layer": "pool",
                "pooling": "avg",
                "l2_normalised": False,
                "reduced_from": None,
            }
        ],
        "source": {
            "backbone": "tiny",
            "weights": "none",
            "weights_sha256": None,
            "licence": "none",
            "tools": {"keras": "3"},
        },
        "parity": None,
        "probe": None,
        "fingerprint": "0" * 64,
    }


def parse(doc: object) -> ModelSpec:
    return parse_spec(json.dumps(doc), where="m.onnx")


def test_what_is_read_is_written_again_with_unknown_keys_kept() -> None:
    doc = document()
    doc["later"] = {"a": [1, 2]}
    doc["input"]["resize"]["sharpen"] = True
    spec = parse(doc)
    assert spec.extra == {"later": {"a": [1, 2]}}
    assert json.loads(spec.to_json()) == doc
    assert parse_spec(spec.to_json(), where="again") == spec


def test_integers_are_accepted_where_a_number_is_expected() -> None:
    doc = document()
    doc["input"]["resize"]["crop_fraction"] = 1
    assert parse(doc).input.resize.crop_fraction == 1.0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("name",), 3, "name: expected a string, got 3"),
        (("name",), ..., "name: expected a string, got nothing"),
        (("input",), "big", "input: expected an object, got 'big'"),
        (("input", "size_hw"), [8], "input.size_hw: expected a list of 2, got [8]"),
        (("input", "size_hw"), [8, True], "input.size_hw[1]: expected an integer, got True"),
        (("input", "size_hw"), [0, 6], "input.size_hw: expected sides of 1 to 16384, got [0, 6]"),
        (
            ("input", "resize", "mode"),
            "squash",
            "input.resize.mode: expected one of 'stretch', 'center_crop', 'letterbox', "
            "got 'squash'",
        ),
        (
            ("input", "resize", "crop_fraction"),
            0.0,
            "input.resize.crop_fraction: expected 0 < fraction <= 1, got 0.0",
        ),
        (
            ("outputs", 0, "shape"),
            [4, 4],
            "outputs[0].shape: expected 1 positive sizes, got [4, 4]",
        ),
        (("outputs", 0, "shape", 0), "x", "outputs[0].shape[0]: expected an integer, got 'x'"),
        (("outputs", 0, "pooling"), 1, "outputs[0].pooling: expected a string, got 1"),
        (("outputs", 0, "name"), "x", "outputs: expected the first to be 'features', got ['x']"),
        (("source", "tools", "keras"), 3, "source.tools.keras: expected a string, got 3"),
        (
            ("fingerprint",),
            "abc",
            "fingerprint: expected 64 hexadecimal digits, got 'abc'",
        ),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_a_fault_is_named_by_its_path(path: tuple[Any, ...], value: object, message: str) -> None:
    doc = document()
    place: Any = doc
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(ModelError) as caught:
        parse(doc)
    assert str(caught.value) == f"m.onnx: metadata 'edgefeat.spec': {message}. {REMEDY}"


@pytest.mark.parametrize("version", ["1", 1.0, None, "one.two", "1.0.0"], ids=repr)
def test_a_version_that_is_none_is_refused(version: object) -> None:
    with pytest.raises(ModelError) as caught:
        parse(document() | {"spec_version": version})
    assert str(caught.value) == (
        "m.onnx: metadata 'edgefeat.spec': spec_version: expected text like '1.0', "
        f"got {version!r}. {REMEDY}"
    )


def test_an_unknown_major_version_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        parse(document() | {"spec_version": "3.0", "name": ["changed", "beyond", "reading"]})
    assert str(caught.value) == (
        "m.onnx: spec version 3.0 cannot be read by this edgefeat, which knows 1.x and 2.x. "
        "Install an edgefeat that knows 3.x, or export the model again."
    )


def test_an_unknown_minor_version_is_warned_about() -> None:
    with pytest.warns(UserWarning, match=r"spec version 1\.7 is newer than 1\.0"):
        spec = parse(document() | {"spec_version": "1.7"})
    assert spec.name == "tiny"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse(document())


def test_text_that_is_not_json_is_refused() -> None:
    with pytest.raises(ModelError, match="expected JSON, got Expecting value: line 1 column 1"):
        parse_spec("<xml/>", where="m.onnx")


def test_the_fingerprint_tells_apart_what_changes_features() -> None:
    spec = parse(document())
    outputs = spec.outputs
    other_input = InputSpec(size_hw=(8, 7))
    other_output = OutputSpec(
        name="features", kind=OutputKind.VECTOR, shape=(4,), source_layer="other"
    )
    seen = {
        fingerprint("aa", spec.input, outputs),
        fingerprint("bb", spec.input, outputs),
        fingerprint("aa", other_input, outputs),
        fingerprint("aa", spec.input, (other_output,)),
        fingerprint("aa", spec.input, outputs, l2=True),
    }
    assert len(seen) == 5
    assert fingerprint("aa", spec.input, outputs) == fingerprint("aa", spec.input, outputs)
