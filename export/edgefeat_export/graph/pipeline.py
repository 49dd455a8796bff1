"""The row of passes, run until none of them finds anything to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from edgefeat_export.graph.passes.drop_no_ops import drop_no_ops
from edgefeat_export.graph.passes.fold_affine_after import fold_affine_after
from edgefeat_export.graph.passes.fold_affine_before import fold_affine_before
from edgefeat_export.graph.passes.fold_channel_order import fold_channel_order
from edgefeat_export.graph.passes.fold_constants import fold_constants
from edgefeat_export.graph.passes.fold_flatten import fold_flatten
from edgefeat_export.graph.passes.fuse_hard_swish import fuse_hard_swish
from edgefeat_export.graph.passes.guard_pads import guard_pads
from edgefeat_export.graph.passes.keep_pooled_maps import keep_pooled_maps
from edgefeat_export.graph.passes.make_pads_explicit import make_pads_explicit
from edgefeat_export.graph.passes.make_reshapes_static import make_reshapes_static
from edgefeat_export.graph.passes.merge_affine import merge_affine
from edgefeat_export.graph.passes.merge_duplicates import merge_duplicates
from edgefeat_export.graph.passes.merge_pads import merge_pads
from edgefeat_export.graph.passes.merge_tensordot import merge_tensordot
from edgefeat_export.graph.passes.merge_transposes import merge_transposes
from edgefeat_export.graph.passes.push_transposes import push_transposes
from edgefeat_export.graph.passes.spell_gelu import spell_gelu
from edgefeat_export.graph.passes.tidy_layer_norm import tidy_layer_norm
from edgefeat_export.graph.passes.transpose_input import transpose_input
from edgefeat_export.graph.passes.use_gemm import use_gemm
from edgefeat_export.graph.writing import write

__all__ = ["PASSES", "Pass", "clean", "settle"]

Pass = Callable[[Graph], None]
"""Changes a graph in place and leaves what its outputs compute."""

# Each pass runs once a round, in this order. The comment above a pass tells why it stands there;
# where it says nothing of other passes, any place would give the same graph.
PASSES: Sequence[Pass] = (
    # First: many passes ask whether one node alone reads a tensor, and dead readers count too.
    drop_dead,
    # Before all that read constants: weights that TensorFlow reshapes, targets of Reshapes, axes.
    fold_constants,
    # Before merge_tensordot and drop_no_ops, which must know what a Reshape gives.
    make_reshapes_static,
    # Before push_transposes and use_gemm, which would take the MatMul between the two Reshapes.
    merge_tensordot,
    # Before push_transposes, which then has fewer nodes to pass.
    drop_no_ops,
    # Before push_transposes too: it moves one node instead of two that are equal.
    merge_duplicates,
    # Before all that follow: they expect the channels on axis 1.
    push_transposes,
    # After push_transposes. Before it, a pair with a map output between would be merged too early:
    # the way back to NHWC could no longer be pushed on.
    merge_transposes,
    # Before fold_flatten, which looks for Gemm.
    use_gemm,
    # After push_transposes, which brings the Transpose to the Reshape that flattens.
    fold_flatten,
    # Before merge_pads, which adds numbers to numbers.
    make_pads_explicit,
    merge_pads,
    # After merge_pads: only a Pad that must stay needs the guard.
    guard_pads,
    # After push_transposes, so that height and width are axes 2 and 3.
    keep_pooled_maps,
    # Before fold_affine_after, which would take the "+ 3" of a hard sigmoid into the bias of a
    # convolution in front. Then nobody could know the hard sigmoid again.
    fuse_hard_swish,
    spell_gelu,
    # Before fold_affine_before, which folds the Mul and Add that it writes.
    tidy_layer_norm,
    # Before fold_affine_before: the scale in front of the channel order then meets the weights.
    fold_channel_order,
    # Before both folds: then they rewrite the weights once, not once for each scale and shift.
    merge_affine,
    # Before fold_affine_before: of two convolutions, the one in front takes scale and shift at
    # once; the one behind, if it is padded, takes only the scale.
    fold_affine_after,
    fold_affine_before,
)

_MOST_ROUNDS = 20  # deep networks need four or five


def clean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same function as a clean graph; equal models give equal bytes.

    Args:
        model: A model of standard ONNX operators. It is not changed.

    Raises:
        ConversionError: The passes do not come to an end, or an operator is not standard ONNX.
    """
    graph = Graph(model)
    transpose_input(graph)
    settle(graph)
    return write(graph)


def settle(graph: Graph, passes: Sequence[Pass] = PASSES) -> None:
    """Run the passes in turn until a whole round changes nothing.

    Args:
        graph: Graph to change.
        passes: What to run.

    Raises:
        ConversionError: The passes do not come to an end. It names those that undo each other.
    """
    busy = _run_rounds(graph, passes)
    if not busy:
        return
    rivals = [run for run in busy if _settles_without(run, graph, passes)]
    named = rivals or busy
    what = "this pass does not end" if len(named) == 1 else "these passes undo each other"
    raise ConversionError(
        f"expected the graph passes to find nothing more to do after {_MOST_ROUNDS} rounds, got "
        f"changes in every round by {', '.join(run.__name__ for run in named)}",
        where=f"graph {graph.name!r}",
        remedy=f"Report the model: {what}.",
    )


def _settles_without(run: Pass, graph: Graph, passes: Sequence[Pass]) -> bool:
    """Tell whether the other passes come to an end, which shows that this one is in the quarrel."""
    return not _run_rounds(graph, [other for other in passes if other is not run])


def _run_rounds(graph: Graph, passes: Sequence[Pass]) -> list[Pass]:
    """Run the passes until they settle; return those that still changed the graph at the end."""
    busy: list[Pass] = []
    for _ in range(_MOST_ROUNDS):
        busy = []
        for run in passes:
            before = graph.revision
            run(graph)
            if graph.revision != before:
                busy.append(run)
        if not busy:
            break
    return busy
