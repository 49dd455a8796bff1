"""Makes TensorFlow's NHWC network an NCHW one, so that its Transposes vanish.

tf2onnx wraps every convolution in a pair of Transposes. Here each "to NHWC" Transpose is pushed
towards the outputs, past one operator at a time, until it meets its inverse. How an operator lets
it pass is a rule of its own (`graph.layout_rules`).
"""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.layout_rules import PUSH_RULES, TO_LAST, is_to_last

__all__ = ["push_transposes"]


def push_transposes(graph: Graph) -> None:
    """Move every "to NHWC" Transpose past the operators that have a rule for it.

    Before::

        x: (n, 4, 8, 6)
        w: weight(5, 4, 3, 3)
        v: weight(5, 5, 3, 3)
        a = Conv(x, w)
        b = Transpose(a, perm=[0, 2, 3, 1])
        c = Relu(b)
        d = Transpose(c, perm=[0, 3, 1, 2])
        y = Conv(d, v)

    After::

        a = Conv(x, w)
        b = Relu(a)
        y = Conv(b, v)

    A vector that is reshaped to a 1x1 map, as in squeeze-and-excite, becomes an NCHW map with a
    Transpose behind it first, so that it meets the other maps in their layout.
    """
    for node in graph.find("Reshape"):
        _view_channels_first(graph, node)
    queue = [node for node in graph.in_order() if is_to_last(node)]
    while queue:
        transpose = queue.pop(0)
        for user in graph.users(transpose.out):
            rule = PUSH_RULES.get(user.op)
            if rule is None or user not in graph:
                continue
            queue.extend(rule(graph, user))


def _view_channels_first(graph: Graph, node: Node) -> None:
    """Reshape a vector to a 1x1 NCHW map and transpose that, where it was reshaped to NHWC."""
    shape = graph.shape(node.out)
    target = graph.value(node.inputs[1])
    if shape is None or target is None or len(shape) != 4 or shape[1:3] != (1, 1):
        return
    if shape[3] in (None, 1):
        return
    source = graph.shape(node.inputs[0])
    if source is None or len(source) == 4:
        return
    flipped = graph.constant(target[[0, 3, 1, 2]])
    first = graph.add("Reshape", [node.inputs[0], flipped])
    graph.replace(node, graph.add("Transpose", [first.out], perm=TO_LAST).out)
