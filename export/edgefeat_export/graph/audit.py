"""Counts what a hand-written network would not contain, and refuses a graph that contains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.affine import read_affine
from edgefeat_export.graph.graph import Graph, Node

__all__ = ["GraphReport", "audit", "require_clean"]

_IDLE_OPERATORS = (
    "Identity",
    "Dropout",
    "Shape",
    "Gather",
    "Squeeze",
    "Unsqueeze",
    "ConstantOfShape",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphReport:
    """What a graph is made of.

    Attributes:
        nodes: Number of operators.
        ops: Number of operators of each kind, most frequent first.
        transposes_at_input: Number of Transposes before the first layer.
        transposes_at_output: Number of Transposes that put channels last for an output.
        transposes_inside: Number of all other Transposes.
        unfolded: Names of scales and shifts that a convolution beside them could hold.
        idle: Names of nodes that compute nothing: Identity, Dropout, shape arithmetic.
        separate_pads: Names of Pads in front of a convolution.
        float_parameters: Number of floating-point numbers in the initialisers.
        initialisers: Number of initialisers.
    """

    nodes: int
    ops: Mapping[str, int]
    transposes_at_input: int
    transposes_at_output: int
    transposes_inside: int
    unfolded: tuple[str, ...]
    idle: tuple[str, ...]
    separate_pads: tuple[str, ...]
    float_parameters: int
    initialisers: int

    @property
    def transposes(self) -> int:
        """Number of all Transposes."""
        return self.transposes_at_input + self.transposes_at_output + self.transposes_inside


def audit(model: onnx.ModelProto) -> GraphReport:
    """Count what is in a graph and what should not be."""
    graph = Graph(model)
    places = Counter(_place(graph, node) for node in graph.find("Transpose"))
    floats = (array.size for array in graph.constants.values() if array.dtype.kind == "f")
    return GraphReport(
        nodes=len(graph.nodes),
        ops=_operators(graph),
        transposes_at_input=places["input"],
        transposes_at_output=places["output"],
        transposes_inside=places["inside"],
        unfolded=tuple(node.out for node in graph.nodes if _is_unfolded(graph, node)),
        idle=_idle(graph),
        separate_pads=tuple(n.out for n in graph.find("Pad") if _pads_conv(graph, n)),
        float_parameters=sum(floats),
        initialisers=len(model.graph.initializer),
    )


def require_clean(model: onnx.ModelProto) -> GraphReport:
    """Refuse a graph that an engineer would not have written by hand.

    Returns:
        The report, for graphs that pass.

    Raises:
        ConversionError: The graph is not clean; the message lists what is left.
    """
    report = audit(model)
    left = [
        f"{count} Transposes {place}"
        for place, count, allowed in (
            ("at the input", report.transposes_at_input, 1),
            ("inside", report.transposes_inside, 0),
        )
        if count > allowed
    ]
    left += [
        f"{what} {list(names)}"
        for what, names in (
            ("scales or shifts beside a convolution", report.unfolded),
            ("nodes that compute nothing", report.idle),
            ("Pads before a convolution", report.separate_pads),
        )
        if names
    ]
    if left:
        raise ConversionError(
            "expected a clean graph (one Transpose at the input, everything foldable folded), got "
            + "; ".join(left),
            where=f"graph {model.graph.name!r}",
            remedy="A layer is used in a way that the graph passes do not know: cut the model"
            " before it, or report the model.",
        )
    return report


def _operators(graph: Graph) -> dict[str, int]:
    """Return the number of operators of each kind, most frequent first, then by name."""
    counts = Counter(node.op for node in graph.nodes)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _idle(graph: Graph) -> tuple[str, ...]:
    outputs = set(graph.outputs.values())
    return tuple(node.out for node in graph.find(*_IDLE_OPERATORS) if node.out not in outputs)


def _place(graph: Graph, node: Node) -> str:
    """Return where a Transpose stands: "input", "output" or "inside"."""
    if _made_from_picture_alone(graph, node.inputs[0]):
        return "input"
    out, users = node.out, graph.users(node.out)
    if len(users) == 1 and users[0].op == "Reshape":  # a map flattened for its output
        out = users[0].out
    return "output" if out in graph.outputs.values() else "inside"


def _made_from_picture_alone(graph: Graph, name: str) -> bool:
    """Tell whether only Casts and arithmetic with constants lie between input and tensor."""
    inputs = {info.name for info in graph.inputs}
    while name not in inputs:
        node = graph.producer(name)
        if node is None or node.op not in ("Cast", "Add", "Sub", "Mul", "Div"):
            return False
        computed = [n for n in node.inputs if graph.value(n) is None]
        if len(computed) != 1:
            return False
        name = computed[0]
    return True


def _is_unfolded(graph: Graph, node: Node) -> bool:
    """Tell whether a node is a scale or shift that a neighbour could hold in its weights."""
    affine = read_affine(graph, node)
    if affine is None:
        return False
    before = graph.producer(affine.source)
    if before is not None and before.op in ("Conv", "Gemm") and len(graph.users(before.out)) == 1:
        return affine.source not in graph.outputs.values()
    after = graph.sole_user(node.out)
    if after is None or after.op != "Conv" or after.inputs[0] != node.out:
        return False
    padded = any(after.attrs.get("pads", [0]))
    return bool((affine.scale != 1).any()) or not padded


def _pads_conv(graph: Graph, pad: Node) -> bool:
    return any(user.op == "Conv" for user in graph.users(pad.out))
