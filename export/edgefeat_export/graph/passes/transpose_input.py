"""Transposes the picture once, at the input."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.layout_rules import PUSH_RULES, TO_FIRST, TO_LAST, is_to_first

__all__ = ["transpose_input"]


def transpose_input(graph: Graph) -> None:
    """Put an NHWC input behind a Transpose to NCHW and another one back.

    Before::

        x: (n, 8, 8, 3)
        w: weight(4, 3, 3, 3)
        a = Mul(x, 0.5)
        b = Transpose(a, perm=[0, 3, 1, 2])
        y = Conv(b, w)

    After::

        first = Transpose(x, perm=[0, 3, 1, 2])
        last = Transpose(first, perm=[0, 2, 3, 1])
        a = Mul(last, 0.5)
        b = Transpose(a, perm=[0, 3, 1, 2])
        y = Conv(b, w)

    `push_transposes` then moves the way back past Mul, where it meets its inverse. An input stays
    as it is if a Transpose alone reads it, or if no operator behind it works on NCHW.

    This is not one of the passes that are repeated: `merge_transposes` would undo it each time.
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


def _reaches_channels_first(graph: Graph, name: str) -> bool:
    """Tell whether operators that let a Transpose pass lead to one from NHWC to NCHW."""
    waiting, seen = [name], {name}
    while waiting:
        for user in graph.users(waiting.pop()):
            if is_to_first(user):
                return True
            if user.op in PUSH_RULES and user.out not in seen:
                seen.update(user.outputs)
                waiting.extend(user.outputs)
    return False
