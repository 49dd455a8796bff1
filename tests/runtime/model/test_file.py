"""Model files that are missing, foreign, damaged or hostile are refused with a way out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgefeat import FeatureExtractor, ModelError
from edgefeat.model.file import content_sha256, read_model_file
from tests_support import join_model, split_model

MAKE_ONE = "Make one with `edgefeat-export build NAME` (package edgefeat-export, on a workstation)."


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        FeatureExtractor(path)
    return str(caught.value)


def test_the_shipped_model_is_read_without_an_inference_engine(model_path: Path) -> None:
    file = read_model_file(model_path)
    assert file.size_bytes == model_path.stat().st_size
    assert file.spec.name == "efficientnet_lite0"
    assert file.spec.dim == 1280
    content, _ = split_model(model_path.read_bytes())
    assert file.content_sha256 == hashlib.sha256(content).hexdigest()
    assert content_sha256(model_path.read_bytes()) == file.content_sha256


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.onnx"
    assert refusal(path) == f"{path}: no such file. Check the path. {MAKE_ONE}"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"{tmp_path}: cannot be read: Is a directory. Name a model file that you may read."
    )


def test_a_keras_model_is_told_how_to_become_one(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(b"PK\x03\x04 as Keras writes it")
    assert f"Make one with `edgefeat-export build {path}`" in refusal(path)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    assert refusal(path) == f"{path}: empty file, expected an ONNX model. {MAKE_ONE}"


@pytest.mark.parametrize(
    "data",
    [b"\xff\xd8\xff\xe0 a photo", b"not a model at all", b"\x00", b"\x3b", b"\x80" * 12],
    ids=["photo", "text", "zero", "group", "endless-varint"],
)
def test_a_file_that_is_no_model(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(data)
    assert re.fullmatch(
        rf"{re.escape(str(path))}: not an ONNX model.*{re.escape(MAKE_ONE)}", refusal(path)
    )


def test_a_truncated_model(model_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.onnx"
    path.write_bytes(model_path.read_bytes()[:100_000])
    assert "not an ONNX model, or a truncated one" in refusal(path)


def test_a_model_without_the_key(model_path: Path, tmp_path: Path) -> None:
    content, _ = split_model(model_path.read_bytes())
    path = tmp_path / "plain.onnx"
    path.write_bytes(join_model(content, {"author": "someone"}))
    assert refusal(path) == (
        f"{path}: an ONNX model, but not one made for edgefeat: it has no metadata key "
        f"'edgefeat.spec'. {MAKE_ONE}"
    )


def test_other_metadata_does_not_matter(model_path: Path, tmp_path: Path) -> None:
    content, metadata = split_model(model_path.read_bytes())
    path = tmp_path / "annotated.onnx"
    path.write_bytes(join_model(content, metadata | {"author": "someone"}))
    assert read_model_file(path).spec == read_model_file(model_path).spec


def test_one_changed_weight_is_noticed(model_path: Path, tmp_path: Path) -> None:
    data = bytearray(model_path.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "flipped.onnx"
    path.write_bytes(data)
    stamped = read_model_file(model_path).spec.fingerprint[:12]
    assert refusal(path) == (
        f"{path}: damaged or edited: its content no longer matches the fingerprint "
        f"{stamped}... that it was stamped with. Copy or export it again."
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec["input"]["resize"].update(mode="letterbox"),
        lambda spec: spec["input"].update(colour="bgr"),
        lambda spec: spec["outputs"][0].update(shape=[640]),
    ],
    ids=["resize", "colour", "shape"],
)
def test_an_edited_spec_is_noticed(
    restamp: Callable[[Any], Path], change: Callable[[dict[str, Any]], None]
) -> None:
    assert "damaged or edited" in refusal(restamp(change))


def test_weights_outside_the_file_are_refused(model_path: Path, tmp_path: Path) -> None:
    content, metadata = split_model(model_path.read_bytes())
    # graph { initializer { external_data { key: "location" value: "/etc/passwd" } } }
    entry = b"\x0a\x08location\x12\x0b/etc/passwd"
    tensor = b"\x6a" + bytes([len(entry)]) + entry
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    path = tmp_path / "outside.onnx"
    path.write_bytes(join_model(content + b"\x3a" + bytes([len(graph)]) + graph, metadata))
    assert refusal(path).startswith(f"{path}: refers to weights outside the file, which edgefeat")


def test_a_graph_that_onnx_runtime_refuses(model_path: Path, tmp_path: Path) -> None:
    from edgefeat.model.fingerprint import fingerprint
    from edgefeat.model.parsing import parse_spec

    _, metadata = split_model(model_path.read_bytes())
    content = b"\x08\x08\x3a\x07\x0a\x05\x22\x03Neg"  # ir_version 8, one Neg of nothing
    spec = parse_spec(metadata["edgefeat.spec"], where="here")
    seal = fingerprint(hashlib.sha256(content).hexdigest(), spec.input, spec.outputs)
    text = metadata["edgefeat.spec"].replace(spec.fingerprint, seal)
    path = tmp_path / "broken.onnx"
    path.write_bytes(join_model(content, {"edgefeat.spec": text}))
    assert refusal(path).startswith(f"{path}: ONNX Runtime cannot open it: ")


def test_a_spec_that_lies_about_the_graph(model_path: Path, tmp_path: Path) -> None:
    import json

    from edgefeat.model.fingerprint import fingerprint
    from edgefeat.model.parsing import parse_spec

    content, metadata = split_model(model_path.read_bytes())
    document = json.loads(metadata["edgefeat.spec"])
    document["outputs"][0]["shape"] = [640]
    lie = parse_spec(json.dumps(document), where="here")
    seal = fingerprint(hashlib.sha256(content).hexdigest(), lie.input, lie.outputs)
    document["fingerprint"] = seal
    path = tmp_path / "lie.onnx"
    path.write_bytes(join_model(content, {"edgefeat.spec": json.dumps(document)}))
    assert refusal(path) == (
        f"{path}: shape of output 'features' after the batch axis: the spec says [640], "
        "the graph has [1280]. Export it again."
    )
