"""What must hold of any file before its features are looked at. Nothing here is a mere warning."""

from __future__ import annotations

import onnx

from edgefeat.model.columns import UNSEEN_OUTPUT
from edgefeat.model.spec import ModelSpec
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph import standard

__all__ = ["require_sound"]

_OF_THE_RESIZE = ("com.microsoft",)
"""ONNX Runtime's own convolution of bytes, channels last: a bundle's resize needs it."""


def require_sound(model: onnx.ModelProto, spec: ModelSpec) -> None:
    """Refuse a graph that not every device would open as the spec describes it.

    Raises:
        ConversionError: Inputs or outputs that the spec does not name, or a graph that not
            every device would open (`standard.require_standard`).
    """
    where = f"{spec.name} {spec.precision}"
    expected = list(spec.graph_inputs)
    _require_names("inputs", expected, [value.name for value in model.graph.input], where)
    expected = [output.name for output in spec.outputs]
    got = [value.name for value in model.graph.output]
    if spec.columns and got[-1:] == [UNSEEN_OUTPUT]:
        got.pop()
    _require_names("outputs", expected, got, where)
    besides = () if spec.frame is None else _OF_THE_RESIZE
    standard.require_standard(model, where=where, besides=besides)


def _require_names(side: str, expected: list[str], got: list[str], where: str) -> None:
    if expected != got:
        raise ConversionError(
            f"expected {side} {expected}, as the spec says, got {got}",
            where=where,
            remedy="Report the model.",
        )
