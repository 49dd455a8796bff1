"""What an output of a network is: classes, an embedding, an activation, or something else.

Nobody tells. But the last operators do: classes come out of a softmax or a sigmoid; an embedding
comes out of a dense layer without activation, mostly normalised behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edgefeat_export.cut.operations import Operation, Operations

__all__ = [
    "End",
    "EndKind",
    "end_of",
    "source_of_activation",
    "source_of_affine",
    "source_of_move",
]

_CLASSES: Final = frozenset(
    [
        "ArgMax",
        "ArgMin",
        "CombinedNonMaxSuppression",
        "Greater",
        "GreaterEqual",
        "InTopKV2",
        "Less",
        "LessEqual",
        "LogSoftmax",
        "NonMaxSuppression",
        "NonMaxSuppressionV2",
        "NonMaxSuppressionV3",
        "NonMaxSuppressionV4",
        "NonMaxSuppressionV5",
        "OneHot",
        "Sigmoid",
        "Softmax",
        "TopK",
        "TopKV2",
    ]
)
_JOINS: Final = frozenset(["ConcatV2", "GatherNd", "GatherV2", "Pack", "Select", "SelectV2"])
_MOVES: Final = frozenset(
    [
        "BatchToSpaceND",
        "Cast",
        "ExpandDims",
        "Pad",
        "PadV2",
        "Reshape",
        "Slice",
        "Split",
        "SplitV",
        "Squeeze",
        "StridedSlice",
        "Tile",
        "Transpose",
        "Unpack",
    ]
)
_SUMS: Final = frozenset(["Max", "Mean", "Min", "Prod", "Sum"])
_RESIZES: Final = frozenset(["ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor"])
_AFFINE: Final = frozenset(["Add", "AddV2", "BiasAdd", "Mul", "RealDiv", "Sub"])
_NORMS: Final = frozenset(["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"])
_ACTIVATIONS: Final = frozenset(
    [
        "Elu",
        "LeakyRelu",
        "Maximum",
        "Minimum",
        "Relu",
        "Relu6",
        "Selu",
        "Softplus",
        "Softsign",
        "Tanh",
    ]
)
_POINTWISE: Final = _ACTIVATIONS | frozenset(
    [
        "Abs",
        "Add",
        "AddV2",
        "BiasAdd",
        "DivNoNan",
        "Erf",
        "Erfc",
        "Exp",
        "Expm1",
        "Log",
        "Log1p",
        "Mul",
        "Neg",
        "Pow",
        "RealDiv",
        "Reciprocal",
        "Rsqrt",
        "Sigmoid",
        "Sqrt",
        "Square",
        "SquaredDifference",
        "Sub",
    ]
)
_ROOTS: Final = frozenset(["EuclideanNorm", "Pow", "Rsqrt", "Sqrt"])
_MOST_STEPS: Final = 40  # an activation may be made of several operators


class EndKind(StrEnum):
    """What the last operators of an output make of it."""

    CLASSES = "classes"
    LINEAR = "linear"
    NORMALISED = "normalised"
    UNIT_LENGTH = "unit length"
    ACTIVATED = "activated"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an output ends.

    Attributes:
        kind: What it is.
        layer: The weighted layer that it comes out of; None if something else stands between.
    """

    kind: EndKind
    layer: Operation | None = None


def end_of(network: Operations, output: Operation) -> End:
    """Return what a tensor is, told from the operators it comes out of."""
    if _gives_classes(network, output):
        return End(kind=EndKind.CLASSES)
    node = _without_moves(network, output)
    if _is_unit_length(network, node):
        return End(kind=EndKind.UNIT_LENGTH)
    below, scaled = _without_affine(network, node)
    if below.weighted:
        kind = EndKind.NORMALISED if scaled else EndKind.LINEAR
        return End(kind=kind, layer=below)
    source = source_of_activation(network, node)
    if source is not None:
        below, _ = _without_affine(network, source)
        return End(kind=EndKind.ACTIVATED, layer=below if below.weighted else None)
    return End(kind=EndKind.OTHER)


def source_of_move(network: Operations, node: Operation) -> Operation | None:
    """Return what a node is a new shape, a part or a multiple of; None if it is none of these."""
    by_number = node.op in _AFFINE and max(node.constants, default=0) <= 1
    if len(node.before) != 1 or not (node.op in _MOVES or by_number):
        return None
    return network[node.before[0]]


def source_of_affine(network: Operations, node: Operation) -> Operation | None:
    """Return what a bias or a batch normalisation was put on; None if the node is none of these."""
    by_channel = node.op in _AFFINE and max(node.constants, default=0) > 1
    if len(node.before) != 1 or not (by_channel or node.op in _NORMS):
        return None
    return network[node.before[0]]


def source_of_activation(network: Operations, node: Operation) -> Operation | None:
    """Return what an activation was put on; None if the node is no activation.

    An activation may be of several operators, as swish is: then all ways back meet in one tensor.
    """
    if node.op in _ACTIVATIONS and len(node.before) == 1:
        return network[node.before[0]]
    if node.op not in _POINTWISE or len(node.before) < 2:
        return None
    front = {node.name}
    for _ in range(_MOST_STEPS):
        last = network.in_order(front)[-1]
        if len(front) == 1 and last is not node:
            return last
        if last.op not in _POINTWISE or last.shape != node.shape or not last.before:
            return None
        front = (front - {last.name}) | set(last.before)
    return None


def _gives_classes(network: Operations, node: Operation) -> bool:
    """Return whether a tensor holds probabilities, scores between 0 and 1, or chosen classes."""
    left, verdicts = [node], dict[str, bool]()
    while left:
        node = left[-1]
        verdict = _verdict(network, node, verdicts)
        if isinstance(verdict, bool):
            verdicts[node.name] = verdict
            left.pop()
        else:
            left.extend(network[name] for name in verdict)
    return verdicts[node.name]


def _verdict(network: Operations, node: Operation, known: dict[str, bool]) -> bool | list[str]:
    """Return whether a node gives classes, or the names that must be known before that."""
    if node.op in _CLASSES or _is_softmax_by_hand(network, node):
        return True
    handed_on = node.op in _MOVES | _SUMS | _RESIZES | _JOINS
    combined = node.op in _AFFINE | {"AddN", "Log", "Maximum", "Minimum", "Neg", "Pow", "Round"}
    if not (handed_on or combined) or not node.before:
        return False
    unknown = [name for name in node.before if name not in known]
    if unknown:
        return unknown
    verdicts = [known[name] for name in node.before]
    # A sigmoid that is multiplied with something else is a gate, as in swish.
    return any(verdicts) if node.op in _JOINS else all(verdicts)


def _is_softmax_by_hand(network: Operations, node: Operation) -> bool:
    """Recognise exp(x) / sum(exp(x)) and 1 / (1 + exp(-x))."""
    if node.op not in ("RealDiv", "DivNoNan", "Reciprocal") or not node.before:
        return False
    first, *others = network.before(node)
    if others:
        return first.op == "Exp" and others[0].op == "Sum"
    return first.op in ("Add", "AddV2") and [x.op for x in network.before(first)] == ["Exp"]


def _is_unit_length(network: Operations, node: Operation) -> bool:
    """Recognise x / |x|: a product with one number for each vector, a root of a sum of x."""
    if node.op not in ("Mul", "RealDiv", "DivNoNan") or len(node.before) != 2:
        return False
    factor = min(network.before(node), key=lambda one: one.width)
    if factor.width != 1 or node.width == 1:
        return False
    rooted = False
    for _ in range(_MOST_STEPS):
        rooted = rooted or factor.op in _ROOTS
        if factor.op in ("Sum", "Mean", "EuclideanNorm") or len(factor.before) != 1:
            return rooted and factor.op in ("Sum", "Mean", "EuclideanNorm")
        (factor,) = network.before(factor)
    return False


def _without_affine(network: Operations, node: Operation) -> tuple[Operation, bool]:
    """Return what stands in front of biases and normalisations, and whether one of them scales."""
    scaled = False
    while True:
        node = _without_moves(network, node)
        source = source_of_affine(network, node)
        if source is None:
            return node, scaled
        scaled = scaled or node.op in _NORMS | {"Mul", "RealDiv"}
        node = source


def _without_moves(network: Operations, node: Operation) -> Operation:
    """Return what was reshaped, or scaled by one number, to give a node."""
    while (source := source_of_move(network, node)) is not None:
        node = source
    return node
