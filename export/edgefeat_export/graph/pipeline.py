"""The row of passes, run until none of them finds anything to do."""

from __future__ import annotations

import onnx

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.activations import fuse_hard_swish
from edgefeat_export.graph.passes.affine import fold_affine_after, fold_affine_before, merge_affine
from edgefeat_export.graph.passes.cleanup import drop_dead, drop_no_ops, merge_duplicates
from edgefeat_export.graph.passes.colour import fold_channel_order
from edgefeat_export.graph.passes.constants import fold_constants
from edgefeat_export.graph.passes.dense import fold_flatten, use_gemm
from edgefeat_export.graph.passes.gelu import spell_gelu
from edgefeat_export.graph.passes.layer_norm import tidy_layer_norm
from edgefeat_export.graph.passes.layout import merge_transposes, push_transposes, transpose_input
from edgefeat_export.graph.passes.pads import guard_pads, make_pads_explicit, merge_pads
from edgefeat_export.graph.passes.pooling import keep_pooled_maps
from edgefeat_export.graph.passes.shape_values import make_reshapes_static, merge_tensordot
from edgefeat_export.graph.writing import write

__all__ = ["PASSES", "clean", "settle"]

PASSES = (
    drop_dead,
    fold_constants,
    make_reshapes_static,
    merge_tensordot,
    drop_no_ops,
    merge_duplicates,
    push_transposes,
    merge_transposes,
    use_gemm,
    fold_flatten,
    make_pads_explicit,
    merge_pads,
    guard_pads,
    keep_pooled_maps,
    fuse_hard_swish,
    spell_gelu,
    tidy_layer_norm,
    fold_channel_order,
    merge_affine,
    fold_affine_after,
    fold_affine_before,
    drop_dead,
)

_MOST_ROUNDS = 20  # deep networks need four or five; more means two passes undo each other


def clean(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function as a clean graph; equal models give equal bytes.

    Raises:
        ConversionError: the passes found no fixed point, or an operator is not standard ONNX.
    """
    graph = Graph(model)
    transpose_input(graph)
    settle(graph)
    return write(graph)


def settle(graph: Graph) -> None:
    """Run the passes until a whole round changes nothing."""
    for _ in range(_MOST_ROUNDS):
        before = graph.revision
        for run in PASSES:
            run(graph)
        if graph.revision == before:
            return
    raise ConversionError(
        f"expected the graph passes to settle within {_MOST_ROUNDS} rounds, got changes in the "
        f"last one too, in graph {graph.name!r}; report the model: two passes undo each other"
    )
