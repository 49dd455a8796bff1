"""The contract of files with columns or with a head: what is read is written again, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from column_models import COLUMNS, probe_of, write_people
from edgefeat import ModelError
from edgefeat.cli.main import main
from edgefeat.model.columns import (
    CategoryInput,
    HashAlgorithm,
    HashInput,
    IntegerInput,
    MissingToken,
    Unseen,
)
from edgefeat.model.file import read_model_file
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.parsing import parse_spec
from edgefeat.model.spec import InputSpec, ModelSpec, OutputKind

REMEDY = "Export the model again with `edgefeat-export build`."
VECTOR = {
    "name": "features",
    "kind": "vector",
    "shape": [4],
    "source_layer": "pool",
    "pooling": "avg",
    "l2_normalised": False,
    "reduced_from": None,
}
CLASSES = ["cat", "dog"]
LABEL = VECTOR | {"name": "label", "kind": "label", "shape": [], "classes": CLASSES}
PROBABILITIES = LABEL | {"name": "probabilities", "kind": "probabilities", "shape": [2]}
FARM = HashAlgorithm.FARMHASH64
SIP: dict[str, Any] = {"algorithm": HashAlgorithm.SIPHASH24, "key": "0" * 32}
NUMBER = {
    "kind": "number",
    "name": "age",
    "size": 1,
    "dtype": "float32",
    "missing": "nan",
    "range": [0.0, 99.5],
}
CATEGORY = {
    "kind": "category",
    "name": "city",
    "size": 2,
    "columns": ["born", "lives"],
    "unseen": "zeros",
    "missing": "token",
    "missing_token": "",
    "values": 3,
}
IMAGE = {
    "kind": "image",
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
}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "spec_version": "2.0",
        "name": "tiny",
        "precision": "fp32",
        "inputs": [
            IMAGE,
            NUMBER,
            {"kind": "integer", "name": "rooms", "size": 1, "missing": "refuse", "range": None},
            CATEGORY,
            {"kind": "text", "name": "note", "size": 1, "max_chars": 4096},
        ],
        "outputs": [VECTOR, LABEL, PROBABILITIES],
        "source": {
            "backbone": "tiny",
            "weights": "none",
            "weights_sha256": None,
            "licence": "none",
            "tools": {},
        },
        "parity": None,
        "probe": None,
        "fingerprint": "0" * 64,
        "features_fingerprint": "1" * 64,
    } | changes


def parse(doc: object) -> ModelSpec:
    return parse_spec(json.dumps(doc), where="m.onnx")


def refusal(doc: object) -> str:
    with pytest.raises(ModelError) as caught:
        parse(doc)
    text = str(caught.value)
    assert text.startswith("m.onnx: metadata 'edgefeat.spec': ")
    assert text.endswith(f". {REMEDY}")
    return text.removeprefix("m.onnx: metadata 'edgefeat.spec': ").removesuffix(f". {REMEDY}")


def test_what_is_read_is_written_again_with_unknown_keys_kept() -> None:
    doc = document(later=[1])
    doc["inputs"][1] = NUMBER | {"unit": "years"}
    spec = parse(doc)
    assert json.loads(spec.to_json()) == doc
    assert list(json.loads(spec.to_json())) == list(doc)
    assert parse_spec(spec.to_json(), where="again") == spec
    assert [type(one).__name__ for one in spec.inputs] == [
        "InputSpec", "NumberInput", "IntegerInput", "CategoryInput", "TextInput",
    ]  # fmt: skip
    assert spec.columns == spec.inputs[1:]
    assert spec.columns[0].extra == {"unit": "years"}


def test_the_one_picture_stays_readable_as_input() -> None:
    spec = parse(document())
    assert isinstance(spec.input, InputSpec)
    assert spec.input.size_hw == (8, 6)
    assert spec.graph_inputs == {
        "image": ("tensor(uint8)", (8, 6, 3)),
        "age": ("tensor(float)", (1,)),
        "rooms": ("tensor(int64)", (1,)),
        "city": ("tensor(string)", (2,)),
        "note": ("tensor(string)", (1,)),
    }
    with pytest.raises(ModelError) as caught:
        _ = parse(document(inputs=[NUMBER, CATEGORY])).input
    assert str(caught.value) == (
        "the model tiny takes no picture: its columns are age, city. Give it rows, or name a "
        "model for pictures."
    )


def test_answers_are_no_features() -> None:
    spec = parse(document())
    assert [one.name for one in spec.features] == ["features"]
    label, probabilities = (
        spec.answer(OutputKind.LABEL),
        spec.answer(OutputKind.PROBABILITIES),
    )
    assert label is not None
    assert probabilities is not None
    assert label.classes == ("cat", "dog")
    assert probabilities.shape == (2,)
    assert spec.answer(OutputKind.VALUE) is None


def test_a_label_may_have_a_last_class_without_a_probability() -> None:
    """The class of what is like none of the others."""
    label = LABEL | {"classes": [*CLASSES, "unknown"]}
    spec = parse(document(outputs=[VECTOR, label, PROBABILITIES]))
    assert spec.outputs[1].classes == ("cat", "dog", "unknown")
    assert spec.outputs[2].classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": []}, "inputs: expected different names, got []"),
        ({"inputs": [3]}, "inputs[0]: expected an object, got 3"),
        (
            {"inputs": [{"name": "age"}]},
            "inputs[0].kind: expected one of 'image', 'number', 'integer', 'category', 'text', "
            "got nothing",
        ),
        (
            {"inputs": [NUMBER | {"kind": "sound"}]},
            "inputs[0].kind: expected one of 'image', 'number', 'integer', 'category', 'text', "
            "got 'sound'",
        ),
        ({"inputs": [NUMBER, NUMBER]}, "inputs: expected different names, got ['age', 'age']"),
        (
            {"inputs": [NUMBER | {"name": "born"}, CATEGORY]},
            "inputs: expected different names, got ['born', 'city', 'born', 'lives']",
        ),
        ({"inputs": [IMAGE, IMAGE | {"name": "two"}]}, "inputs: expected one picture at most"),
        ({"inputs": [NUMBER | {"name": ""}]}, "inputs[0].name: expected a name, got an empty one"),
        ({"inputs": [NUMBER | {"size": 0}]}, "inputs[0].size: expected at least 1, got 0"),
        (
            {"inputs": [NUMBER | {"missing": "mean"}]},
            "inputs[0].missing: expected one of 'nan', 'refuse', got 'mean'",
        ),
        (
            {"inputs": [CATEGORY | {"columns": ["born"]}]},
            "inputs[0].columns: expected 2 names, got ['born']",
        ),
        (
            {"inputs": [CATEGORY | {"missing": "refuse"}]},
            "inputs[0].missing_token: expected none, because missing is 'refuse', got ''",
        ),
        (
            {"inputs": [{k: v for k, v in CATEGORY.items() if k != "missing_token"}]},
            "inputs[0].missing_token: expected a value, because missing is 'token', got None",
        ),
        (
            {"input": IMAGE},
            "input: expected a list 'inputs' in its place, or a 'frame' beside it, as in a bundle",
        ),
        (
            {"spec_version": "1.0"},
            "inputs: expected 'input' in spec 1.0, with one picture",
        ),
        (
            {"outputs": [VECTOR, LABEL | {"shape": [1]}]},
            "outputs[1].shape: expected 0 positive sizes, got [1]",
        ),
        (
            {"outputs": [VECTOR, VECTOR | {"name": "label", "kind": "label", "shape": []}]},
            "outputs[1].classes: expected the names of the classes of kind 'label'",
        ),
        (
            {"outputs": [VECTOR | {"classes": CLASSES}]},
            "outputs[0].classes: expected none of kind 'vector'",
        ),
        (
            {"outputs": [VECTOR, PROBABILITIES | {"shape": [3]}]},
            "outputs[1].classes: expected 3 different names, got ['cat', 'dog']",
        ),
        (
            {"outputs": [PROBABILITIES | {"name": "features"}]},
            "outputs: expected the first to be features, got probabilities",
        ),
        (
            {"outputs": [VECTOR, VECTOR | {"name": "unseen"}]},
            "outputs: expected other names than 'unseen', which counts unseen categories",
        ),
        (
            {"outputs": [VECTOR, LABEL, LABEL | {"name": "second"}]},
            "outputs: expected one answer of a kind, got ['label', 'label']",
        ),
        (
            {"outputs": [VECTOR, LABEL | {"classes": ["dog", "cat"]}, PROBABILITIES]},
            "outputs: expected probabilities of the label's classes, or of all but the last one, "
            "got ['cat', 'dog'] for ['dog', 'cat']",
        ),
        (
            {"inputs": [NUMBER | {"hashes": [{"name": "hash", "algorithm": "md5"}]}]},
            "inputs[0].hashes[0].algorithm: expected one of 'farmhash64', 'siphash24', got 'md5'",
        ),
        (
            {"inputs": [NUMBER | {"hashes": [{"name": "hash", **SIP, "key": "12"}]}]},
            "inputs[0].hashes[0].key: expected 32 hexadecimal digits, got '12'",
        ),
        (
            {"inputs": [NUMBER | {"hashes": [{"name": "age", "algorithm": "farmhash64"}]}]},
            "inputs: expected different names, got ['age', 'age']",
        ),
        (
            {"features_fingerprint": "abc"},
            "features_fingerprint: expected 64 hexadecimal digits, got 'abc'",
        ),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:60],
)
def test_a_fault_is_named_by_its_path(changes: dict[str, Any], message: str) -> None:
    assert refusal(document(**changes)) == message


def test_spec_one_has_neither_answers_nor_columns() -> None:
    picture = {key: item for key, item in IMAGE.items() if key != "kind"}
    one = {
        key: item
        for key, item in document(spec_version="1.0", input=picture, outputs=[VECTOR]).items()
        if key not in ("inputs", "features_fingerprint")
    }
    spec = parse(one)
    assert list(json.loads(spec.to_json())["input"]) == list(picture)
    assert refusal(one | {"outputs": [VECTOR, LABEL]}) == (
        "outputs: expected only features in spec 1.0"
    )
    assert refusal(one | {"features_fingerprint": "1" * 64}) == (
        "outputs: expected only features in spec 1.0"
    )


def test_the_fingerprint_covers_every_input_in_order() -> None:
    spec = parse(document())
    sealed = spec.sealed_input
    assert isinstance(sealed, tuple)
    rooms = sealed[2]
    city = sealed[3]
    assert isinstance(rooms, IntegerInput)
    assert isinstance(city, CategoryInput)
    others = [
        sealed,
        (*sealed[:3], sealed[4], sealed[3]),
        sealed[:4],
        (*sealed[:2], IntegerInput(name="rooms", missing=MissingToken.TOKEN, missing_token=0)),
        (*sealed[:2], IntegerInput(name="rooms", missing=MissingToken.TOKEN, missing_token=1)),
        (*sealed[:3], CategoryInput(name="city", unseen=Unseen.BIN, values=3)),
        (*sealed[:3], CategoryInput(name="city", unseen=Unseen.REFUSE, values=3)),
        *(
            (*sealed[:2], IntegerInput(name="rooms", hashes=(HashInput(name="h", **options),)))
            for options in ({"algorithm": FARM}, SIP, SIP | {"key": "1" * 32})
        ),
    ]
    seals = {fingerprint("aa", one, spec.outputs) for one in others}
    assert len(seals) == len(others)
    assert fingerprint("aa", spec.input, spec.outputs) != fingerprint(
        "aa", (spec.input,), spec.outputs
    )


def test_an_edited_column_breaks_the_seal(tmp_path: Path) -> None:
    path = tmp_path / "people.onnx"
    spec = write_people(path)
    assert read_model_file(path).spec == spec
    write_people(path, inputs=(*COLUMNS[:2], *reversed(COLUMNS[2:])))
    with pytest.raises(ModelError, match="damaged or edited"):
        read_model_file(path)


def test_info_has_a_line_for_each_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "people.onnx"
    spec = write_people(path, probe=probe_of([]))
    assert main(["info", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:7] == [
        "column       age: number, may be missing, seen 0 to 99",
        "column       rooms: integer, never missing",
        "column       city: category, 3 known, an unseen one shares a bin, never missing",
        "column       note: text, at most 40 characters, never missing",
        "output       features: 4 from by hand",
    ]
    assert main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["spec"] == json.loads(spec.to_json())
