"""Graph quality as numbers, and as a gate: what a hand-written network would not contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.passes.affine import read_affine

__all__ = ["GraphReport", "audit", "require_clean"]

_IDLE = ("Identity", "Dropout", "Shape", "Gather", "Squeeze", "Unsqueeze", "ConstantOfShape")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphReport:
    """What a graph is made of.

    Attributes:
        nodes: How many operators.
        ops: How many of each kind, most frequent first.
        transposes_at_input: Transposes that only the picture has passed through yet.
        transposes_at_output: Transposes that make an NHWC map output.
        transposes_inside: All others.
        unfolded: Names of scale and shift nodes that a convolution next to them could hold.
        idle: Names of nodes that compute nothing: Identity, Dropout, shape arithmetic.
        separate_pads: Names of Pads in front of a convolution.
        float_parameters: Floating-point numbers in the initialisers.
        initialisers: How many initialisers.
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
        """All Transposes."""
        return self.transposes_at_input + self.transposes_at_output + self.transposes_inside


def audit(model: onnx.ModelProto) -> GraphReport:
    """Count what is in a graph and what should not be."""
    graph = Graph(model)
    places = Counter(_place(graph, node) for node in graph.find("Transpose"))
    ops = Counter(node.op for node in graph.nodes)
    return GraphReport(
        nodes=len(graph.nodes),
        ops=dict(sorted(ops.items(), key=lambda item: (-item[1], item[0]))),
        transposes_at_input=places["input"],
        transposes_at_output=places["output"],
        transposes_inside=places["inside"],
        unfolded=tuple(node.out for node in graph.nodes if _is_unfolded(graph, node)),
        idle=tuple(n.out for n in graph.find(*_IDLE) if n.out not in graph.outputs.values()),
        separate_pads=tuple(n.out for n in graph.find("Pad") if _pads_conv(graph, n)),
        float_parameters=sum(a.size for a in graph.constants.values() if a.dtype.kind == "f"),
        initialisers=len(model.graph.initializer),
    )


def require_clean(model: onnx.ModelProto) -> GraphReport:
    """Refuse a graph that an engineer would not have written by hand.

    Returns:
        The report, for graphs that pass.

    Raises:
        ConversionError: it lists what is left, and where.
    """
    report = audit(model)
    left = [
        f"{what}: {found}"
        for what, found, allowed in (
            ("Transposes at the input", report.transposes_at_input, 1),
            ("Transposes inside", report.transposes_inside, 0),
            ("scales or shifts beside a convolution", list(report.unfolded), []),
            ("nodes that compute nothing", list(report.idle), []),
            ("Pads before a convolution", list(report.separate_pads), []),
        )
        if (found > allowed if isinstance(found, int) and isinstance(allowed, int) else found)
    ]
    if left:
        raise ConversionError(
            f"expected a clean graph (one Transpose at the input, everything foldable folded), got "
            f"{'; '.join(left)} in graph {model.graph.name!r}; a layer is used in a way the graph "
            "passes do not know: cut before it, or report the model"
        )
    return report


def _place(graph: Graph, node: Node) -> str:
    if _made_from_picture_alone(graph, node.inputs[0]):
        return "input"
    out, users = node.out, graph.users(node.out)
    if len(users) == 1 and users[0].op == "Reshape":  # a map flattened for its output
        out = users[0].out
    return "output" if out in graph.outputs.values() else "inside"


def _made_from_picture_alone(graph: Graph, name: str) -> bool:
    """Whether only Casts and arithmetic with constants lie between the input and this tensor."""
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
