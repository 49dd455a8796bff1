"""Writes the spec into a model, last of all: any later change to the graph breaks the seal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import onnx

from edgefeat import atomic
from edgefeat.model.file import content_sha256
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.frame import FrameSpec
from edgefeat.model.spec import METADATA_KEY, AnyInput, InputSpec, ModelSpec, OutputSpec
from edgefeat_export.errors import ExportError

__all__ = ["beside", "fingerprint_of", "stamp", "stamped"]


def fingerprint_of(
    model: onnx.ModelProto,
    input_spec: InputSpec | tuple[AnyInput, ...],
    outputs: tuple[OutputSpec, ...],
    *,
    frame: FrameSpec | None = None,
) -> str:
    """Return the fingerprint that the file of a graph will carry: 64 hexadecimal digits.

    Args:
        model: The graph.
        input_spec: What the graph takes: one picture, or all inputs of a file that lists them.
        outputs: What the graph gives, in order.
        frame: The frame that a bundle takes; None for a model.
    """
    return fingerprint(content_sha256(_serialize(model)), input_spec, outputs, frame=frame)


def stamped(model: onnx.ModelProto, spec: ModelSpec) -> bytes:
    """Return the content of a model file: the graph, with its spec as its only metadata.

    Args:
        model: The graph; not changed.
        spec: What the file says of itself; its fingerprint must be the graph's.

    Raises:
        ExportError: The fingerprint is another graph's.
    """
    if fingerprint_of(model, spec.sealed_input, spec.outputs, frame=spec.frame) != spec.fingerprint:
        raise ExportError(
            "expected the model that was verified, got one that was changed afterwards",
            where=f"{spec.name} {spec.precision}",
            remedy="Report this: it is a fault of the exporter.",
        )
    sealed = onnx.ModelProto()
    sealed.CopyFrom(model)
    del sealed.metadata_props[:]
    entry = sealed.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, spec.to_json()
    return _serialize(sealed)


def stamp(model: onnx.ModelProto, spec: ModelSpec, path: Path) -> None:
    """Write a model file whole; see `stamped`.

    Raises:
        ExportError: The fingerprint is another graph's, or the file cannot be written.
    """
    atomic.write_bytes(path, stamped(model, spec), error=ExportError)


@contextmanager
def beside(model: onnx.ModelProto, spec: ModelSpec, path: Path) -> Iterator[atomic.Spool]:
    """Yield a stamped file under its hidden name, to be measured before it is published.

    Args:
        model: The graph; not changed.
        spec: What the file says of itself.
        path: Place of the file once it is published.

    Raises:
        ExportError: The fingerprint is another graph's, or the file cannot be written.
    """
    with ExitStack() as stack:
        with atomic.explained(path, error=ExportError):
            spool = stack.enter_context(atomic.Spool(path))
            spool.file.write(stamped(model, spec))
            spool.file.flush()
        yield spool


def _serialize(model: onnx.ModelProto) -> bytes:
    data: bytes = model.SerializeToString(deterministic=True)
    return data
