"""What every graph that leaves this package must be: ONNX of one version, whole, valid.

Its operators must be on the device's own list, `edgefeat.model.operators`: there is no second one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import onnx
from onnx import TensorProto, checker

from edgefeat.model.operators import ALLOWED, CONTROL
from edgefeat_export.errors import ConversionError

__all__ = ["OPSET", "require_standard"]

OPSET: Final = 17
"""HardSwish (since 14) and per-channel quantisation (since 13) are in. ReduceMean still takes its
axes as an attribute (until 18), which every quantiser and the older device runtimes read."""

_MOST_NAMED = 3  # nodes or weights that a message names


def require_standard(
    model: onnx.ModelProto,
    *,
    where: str,
    opset: int = OPSET,
    besides: Collection[str] = (),
) -> None:
    """Refuse a graph that not every device would open.

    Args:
        model: The graph to check.
        where: Place to name in the error.
        opset: Version of the standard operator set that was asked for.
        besides: Domains of operators that are wanted besides the ONNX standard's.

    Raises:
        ConversionError: Operators that devices do not open, another opset, weights outside the
            file, or an invalid graph.
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


def _require_known_operators(model: onnx.ModelProto, where: str, besides: Collection[str]) -> None:
    domains = {"", *besides}
    foreign = [node for node in _nodes(model.graph) if not _is_known(node, domains)]
    if foreign:
        operators = sorted({node.op_type for node in foreign})
        places = sorted({node.name for node in foreign})[:_MOST_NAMED]
        raise ConversionError(
            f"expected operators that edgefeat opens on a device, got {operators} at nodes"
            f" {places}",
            where=where,
            remedy="Cut the model before them, or replace the layers that they come from.",
        )


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, those of graphs inside nodes too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _is_known(node: onnx.NodeProto, domains: Collection[str]) -> bool:
    if node.domain not in domains:
        return False
    return node.op_type in ALLOWED[node.domain] or (not node.domain and node.op_type in CONTROL)


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
