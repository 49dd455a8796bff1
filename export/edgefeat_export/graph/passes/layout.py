"""Layout: TensorFlow's NHWC network becomes an NCHW one, and its Transposes vanish.

tf2onnx wraps every convolution in a pair of Transposes. Here each "to NHWC" Transpose is pushed
towards the outputs, past one operator at a time, until it meets its inverse. The picture itself is
treated alike: it is transposed once at the input, and the way back is pushed along with the rest.
"""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.layout_rules import PUSH_RULES, TO_FIRST, TO_LAST, is_to_last

__all__ = ["merge_transposes", "push_transposes", "transpose_input"]


def transpose_input(graph: Graph) -> None:
    """Put an NHWC input behind one Transpose to NCHW and its inverse, unless it is already.

    Once, before the passes, and only where the network goes on in NCHW: it would cancel the pair.
    """
    for info in graph.inputs:
        users = graph.users(info.name)
        shape = graph.shape(info.name)
        if shape is None or len(shape) != 4 or not users:
            continue
        if len(users) == 1 and users[0].op == "Transpose":
            continue
        if not _reaches_channels_first(graph, info.name):
            continue
        first = graph.add("Transpose", [info.name], perm=TO_FIRST)
        last = graph.add("Transpose", [first.out], perm=TO_LAST)
        graph.redirect(info.name, last.out)
        graph.rewire(first, [info.name])


def push_transposes(graph: Graph) -> None:
    """Move every "to NHWC" Transpose past the operators that have a rule for it."""
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


def merge_transposes(graph: Graph) -> None:
    """Compose a Transpose with the Transpose it reads."""
    for second in graph.find("Transpose"):
        first = graph.producer(second.inputs[0])
        if first is not None and first.op == "Transpose":
            perm = [first.attrs["perm"][axis] for axis in second.attrs["perm"]]
            graph.replace(second, graph.add("Transpose", first.inputs, perm=perm).out)


def _reaches_channels_first(graph: Graph, name: str) -> bool:
    """Whether operators that let a Transpose pass lead to one from NHWC to NCHW."""
    waiting, seen = [name], {name}
    while waiting:
        for user in graph.users(waiting.pop()):
            if user.op == "Transpose" and list(user.attrs["perm"]) == TO_FIRST:
                return True
            if user.op in PUSH_RULES and user.out not in seen:
                seen.update(user.outputs)
                waiting.extend(user.outputs)
    return False


def _view_channels_first(graph: Graph, node: Node) -> None:
    """A vector shaped as a 1x1 map (squeeze-and-excite) becomes an NCHW one, transposed back."""
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
