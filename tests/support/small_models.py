"""Model files of a few operators, written by hand, for tests that have no package `onnx`.

    write_model(path, nodes=[node("Neg", ["cast"], ["negative"])])

The model takes pictures of 2x2 pixels and gives the mean colour. What a test adds stands behind it,
in a file that is stamped as the exporter stamps it: a hostile one differs in nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.parsing import parse_spec
from edgefeat.model.protobuf import field
from edgefeat.model.shipped import default_model_path
from tests_support import join_model, split_model

UINT8, INT64, BOOL, FLOAT, STRING = 2, 7, 9, 1, 8  # TensorProto.DataType


def node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *attributes: bytes,
    domain: str = "",
) -> bytes:
    """Return a node's message."""
    parts = [field(1, name) for name in inputs] + [field(2, name) for name in outputs]
    parts += [field(4, operator), *(field(5, one) for one in attributes), field(7, domain)]
    return b"".join(parts)


def whole(name: str, value: int) -> bytes:
    """Return an attribute that is a whole number."""
    return field(1, name) + field(3, value) + field(20, 2)


def wholes(name: str, *values: int) -> bytes:
    """Return an attribute that is a row of whole numbers."""
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7)


def body(name: str, inside: bytes) -> bytes:
    """Return an attribute that is a graph."""
    return field(1, name) + field(6, inside) + field(20, 5)


def constant(name: str, kind: int, dims: Sequence[int], raw: bytes) -> bytes:
    """Return an initializer's message."""
    return b"".join(field(1, one) for one in dims) + field(2, kind) + field(8, name) + field(9, raw)


def number(name: str, value: int) -> bytes:
    """Return an initializer that is one int64 without axes."""
    return constant(name, INT64, [], value.to_bytes(8, "little", signed=True))


def tensor(name: str, kind: int, dims: Sequence[int | str]) -> bytes:
    """Return what a graph says of an input or output."""
    axes = (field(1, field(1 if isinstance(one, int) else 2, one)) for one in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, b"".join(axes))))


def graph(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes] = (),
    outputs: Sequence[bytes] = (),
    constants: Sequence[bytes] = (),
) -> bytes:
    """Return a graph's message."""
    parts = [field(1, one) for one in nodes] + [field(2, "graph")]
    parts += [field(5, one) for one in constants] + [field(11, one) for one in inputs]
    return b"".join(parts + [field(12, one) for one in outputs])


def write_model(
    path: Path,
    *,
    nodes: Sequence[bytes] = (),
    constants: Sequence[bytes] = (),
    domains: Sequence[tuple[str, int]] = (),
    beside: bytes = b"",
    result: str = "mean",
) -> Path:
    """Write the mean colour of a picture as a model file, with more nodes behind it.

    Args:
        path: Where to write it.
        nodes: Further nodes; `cast` is the picture as float32 (N, 2, 2, 3), `mean` its (N, 3).
        constants: Further initializers.
        domains: Further operator sets and their versions.
        beside: Further fields of the model.
        result: The tensor (N, 3) that becomes the features.
    """
    first = [
        node("Cast", ["image"], ["cast"], whole("to", FLOAT)),
        node("ReduceMean", ["cast"], ["mean"], wholes("axes", 1, 2), whole("keepdims", 0)),
    ]
    last = [node("Identity", [result], ["features"])]
    inside = graph(
        [*first, *nodes, *last],
        [tensor("image", UINT8, ["N", 2, 2, 3])],
        [tensor("features", FLOAT, ["N", 3])],
        constants,
    )
    sets = b"".join(field(8, field(1, name) + field(2, n)) for name, n in [("", 17), *domains])
    content = field(1, 8) + field(7, inside) + sets + beside
    path.write_bytes(join_model(content, {"edgefeat.spec": _spec_of(content)}))
    return path


def _spec_of(content: bytes) -> str:
    """Return a spec that is true of a model: that of the shipped one, with what differs."""
    _, metadata = split_model(default_model_path().read_bytes())
    document = json.loads(metadata["edgefeat.spec"])
    document |= {"name": "mean", "precision": "fp32", "probe": None, "parity": None}
    document["input"]["size_hw"] = [2, 2]
    document["outputs"][0]["shape"] = [3]
    spec = parse_spec(json.dumps(document), where="here")
    digest = hashlib.sha256(content).hexdigest()
    document["fingerprint"] = fingerprint(digest, spec.input, spec.outputs)
    return json.dumps(document)
