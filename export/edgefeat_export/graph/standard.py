"""What every graph that leaves this package must be: standard ONNX of one version, whole, valid."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Final

import onnx
from onnx import TensorProto, checker, defs

from edgefeat_export.errors import ConversionError

__all__ = ["OPSET", "require_standard"]

Operator = tuple[str, str]
OPSET: Final = 17
"""HardSwish (since 14) and per-channel quantisation (since 13) are in. ReduceMean still takes its
axes as an attribute (until 18), which every quantiser and the older device runtimes read."""

_MOST_NAMED = 3  # nodes or weights that a message names


def require_standard(
    model: onnx.ModelProto,
    *,
    where: str,
    opset: int = OPSET,
    besides: Collection[Operator] = (),
) -> None:
    """Refuse a graph that not every ONNX Runtime can open.

    Args:
        model: The graph to check.
        where: Place to name in the error.
        opset: Version of the standard operator set that was asked for.
        besides: Operators of other domains that are wanted, as (domain, type).

    Raises:
        ConversionError: Operators outside the standard, another opset, weights outside the file,
            or an invalid graph.
    """
    _require_known_operators(model, where, besides)
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if versions != [opset]:
        raise ConversionError(
            f"expected opset {opset}, got {versions}", where=where, remedy="Report the model."
        )
    _require_weights_inside(model, where)
    try:
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            f"expected a valid ONNX graph, got: {' '.join(str(error).split())}",
            where=where,
            remedy="Report the model.",
        ) from error


def _require_known_operators(
    model: onnx.ModelProto, where: str, besides: Collection[Operator]
) -> None:
    foreign = [
        node
        for node in model.graph.node
        if (node.domain or node.op_type not in _standard_operators())
        and (node.domain, node.op_type) not in besides
    ]
    if foreign:
        operators = sorted({node.op_type for node in foreign})
        places = sorted({node.name for node in foreign})[:_MOST_NAMED]
        raise ConversionError(
            f"expected operators of the ONNX standard only, got {operators} at nodes {places}",
            where=where,
            remedy="Cut the model before them, or replace the layers that they come from.",
        )


def _require_weights_inside(model: onnx.ModelProto, where: str) -> None:
    outside = [
        tensor.name
        for tensor in model.graph.initializer
        if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL
    ]
    if outside:
        raise ConversionError(
            f"expected all weights inside the file, got {len(outside)} outside, such as"
            f" {outside[:_MOST_NAMED]}",
            where=where,
            remedy="Report the model.",
        )


@cache
def _standard_operators() -> frozenset[str]:
    """Return the name of every operator that the standard ever had."""
    schemas = defs.get_all_schemas_with_history()
    return frozenset(schema.name for schema in schemas if schema.domain == "")
