"""What a model file may do when it runs: only operators on the list, and none without an end.

A graph of ONNX cannot open a file or run code. Two things it can do: call an operator that comes
from a library beside ONNX Runtime, and repeat a part of itself for ever. So a model is taken when

- its operators, those of graphs inside graphs too, are on the list of `edgefeat.model.operators`;
- a `Loop` says how often it runs at most: by a constant, or by the size of a tensor that has no
  more elements than the model's inputs have elements or characters;
- no `Loop` stands inside another, for their counts would multiply.

Standard library only. Read where a file is checked in full: starts with a cache do not load it.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import field

from edgefeat.errors import ModelError
from edgefeat.model.graphs import Span, StoredGraph, StoredNode, read_graph
from edgefeat.model.operators import ALLOWED, CONTROL, KEEP_NUMBERS, KEEP_SIZE, SIZE_OF
from edgefeat.model.protobuf import FieldSpan
from edgefeat.record import Record

__all__ = ["MOST_TURNS", "require_sound"]

MOST_TURNS = 65_536
"""How often a loop may run that names a constant number."""

_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # fields of ModelProto
_DEEPEST = 4  # graphs inside graphs
_MOST_NAMED = 4  # operators that a message names
_TAKE_ALL = frozenset({"Where", "StringConcat"})  # the rest of KEEP_SIZE is as the first


class _Names(Record):
    """What the tensors of a graph are, and those of the graphs around it.

    Args:
        made: Tensors by name, each with the node that makes it.
        constants: Tensors that the file holds, by name: the value if it is one whole number.
        inputs: Names of the tensors that whoever runs the graph gives.
    """

    made: dict[str, StoredNode] = field(default_factory=dict)
    constants: dict[str, int | None] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()

    def within(self, graph: StoredGraph) -> _Names:
        """Return what the tensors of a graph inside this one are."""
        constants = self.constants | graph.numbers
        made = dict(self.made)
        for node in graph.nodes:
            if node.operator == "Constant" and not node.domain:
                constants |= dict.fromkeys(node.outputs, node.number)
            else:
                made |= dict.fromkeys(node.outputs, node)
        return _Names(made=made, constants=constants, inputs=self.inputs | graph.inputs)


def require_sound(data: bytes | mmap.mmap, found: list[FieldSpan], *, any_operator: bool) -> None:
    """Refuse a model that could do more than compute, or that could run for ever.

    Args:
        data: The file.
        found: The fields at its top level.
        any_operator: Whether the user trusts whatever operators there are. Weights outside the file
            are refused all the same.

    Raises:
        ModelError: An operator or a loop that is not allowed, or weights outside the file.
    """
    graphs = [(start, end) for number, _, start, end in found if number == _GRAPH]
    extra = any(number in (_TRAINING, _FUNCTIONS) for number, *_ in found)
    faults = ["functions of its own"] if extra or len(graphs) > 1 else []
    for span in graphs:
        faults += _faults(data, span, _Names(), depth=0, in_loop=False)
    if faults and not any_operator:
        shown = list(dict.fromkeys(faults))
        more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
        raise ModelError(
            "expected only operators that edgefeat-export writes, got "
            + ", ".join(shown[:_MOST_NAMED])
            + more,
            remedy="Export the model again with `edgefeat-export build`. If you trust who made "
            "the file, open it with {option}.",
            option="any_operator=True",
        )


def _faults(
    data: bytes | mmap.mmap, span: Span, around: _Names, *, depth: int, in_loop: bool
) -> Iterator[str]:
    """Yield what is not allowed in a graph and in the graphs inside it.

    Args:
        data: The file.
        span: Where the graph lies in it.
        around: The tensors of the graphs around it.
        depth: How many graphs are around it.
        in_loop: Whether one of them is a loop's.
    """
    graph = read_graph(data, span)
    names = around.within(graph)
    for node in graph.nodes:
        kind = f"{node.domain}:{node.operator}" if node.domain else node.operator
        is_control = not node.domain and node.operator in CONTROL
        if not is_control and node.operator not in ALLOWED.get(node.domain, ()):
            yield f"the operator {kind}"
        elif node.graphs and not is_control:
            yield f"a graph inside the operator {kind}"
        is_loop = is_control and node.operator == "Loop"
        if is_loop and in_loop:
            yield f"a Loop inside another ({node.name!r})"
        elif is_loop and not _ends(node.inputs[0] if node.inputs else "", names):
            yield f"a Loop that need not end ({node.name!r})"
        if node.graphs and depth == _DEEPEST:
            yield f"graphs more than {_DEEPEST} deep"
            continue
        for inside in node.graphs:
            loop = in_loop or is_loop
            yield from _faults(data, inside, names, depth=depth + 1, in_loop=loop)


def _ends(count: str, names: _Names) -> bool:
    """Tell whether a loop's count is a small constant, or a size that the inputs bound."""
    seen: set[str] = set()
    while count not in seen:
        seen.add(count)
        if count in names.constants:
            return _is_small(names.constants[count])
        made = names.made.get(count)
        if made is None or made.domain or not made.inputs:
            return False
        if made.operator in SIZE_OF:
            return _is_bounded(made.inputs[0], names)
        if made.operator not in KEEP_NUMBERS:
            return False
        count = made.inputs[0]
    return False


def _is_small(number: int | None) -> bool:
    return number is not None and number <= MOST_TURNS


def _is_bounded(tensor: str, names: _Names) -> bool:
    """Tell whether a tensor is no larger than the model's inputs and constants are."""
    waiting, seen = [tensor], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name in names.inputs or name in names.constants:
            continue
        seen.add(name)
        made = names.made.get(name)
        if made is None or made.operator not in KEEP_SIZE or not made.inputs:
            return False
        inputs = made.inputs if made.operator in _TAKE_ALL else made.inputs[:1]
        if made.operator == "StringConcat" and names.constants.keys().isdisjoint(inputs):
            return False  # a text joined to itself, again and again, grows without bound
        waiting += inputs
    return True
