"""The last touch on a merged graph: what nobody reads goes, and names become short.

Long names of TensorFlow's scopes would make up half of a small file. Equal networks give equal
bytes, for names follow from the order of nodes.
"""

from __future__ import annotations

from itertools import count

import onnx

__all__ = ["finished"]


def finished(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without idle and dead nodes, every tensor named by its place.

    Args:
        model: A model whose nodes stand in the order in which they compute. Names of inputs and
            outputs stay.
    """
    done = onnx.ModelProto()
    done.CopyFrom(model)
    graph = done.graph
    public = {value.name for value in (*graph.input, *graph.output)}
    _skip_identities(graph, {value.name for value in graph.output})
    _drop_dead(graph, public)
    names = _Names(public)
    for tensor in graph.initializer:
        tensor.name = names.of(tensor.name)
    for node in graph.node:
        _rename(node, names)
    for value in graph.value_info:
        value.name = names.of(value.name)
    return done


class _Names:
    """Short names for tensors, given in the order in which they are met."""

    def __init__(self, public: set[str]) -> None:
        self._known = {name: name for name in public}
        self._nodes = count()
        self._free = (name for number in count() if (name := f"t{number}") not in public)

    def of(self, name: str) -> str:
        """Return the new name of a tensor; an absent input stays absent."""
        if not name:
            return ""
        if name not in self._known:
            self._known[name] = next(self._free)
        return self._known[name]

    def next_node(self) -> str:
        """Return a name for the next node."""
        return f"n{next(self._nodes)}"


def _rename(node: onnx.NodeProto, names: _Names) -> None:
    node.input[:] = [names.of(name) for name in node.input]
    node.output[:] = [names.of(name) for name in node.output]
    node.name = names.next_node()
    node.doc_string = ""
    for graph in _inside(node):
        for value in (*graph.input, *graph.initializer):
            value.name = names.of(value.name)
        for inner in graph.node:
            _rename(inner, names)
        for value in graph.output:
            value.name = names.of(value.name)


def _inside(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [one.g for one in node.attribute if one.HasField("g")]


def _skip_identities(graph: onnx.GraphProto, outputs: set[str]) -> None:
    """Let the readers of an Identity read what it reads, but for the graph's own outputs."""
    same: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        for inner in _inside(node):
            _follow(inner, same)
        if node.op_type == "Identity" and node.output[0] not in outputs:
            same[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _follow(graph: onnx.GraphProto, same: dict[str, str]) -> None:
    """Rename what a graph inside reads from around it."""
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        for inner in _inside(node):
            _follow(inner, same)
    for value in graph.output:
        value.name = same.get(value.name, value.name)


def _drop_dead(graph: onnx.GraphProto, public: set[str]) -> None:
    """Drop nodes and constants that no output depends on."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed |= _reads(node)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    declared = [value for value in graph.value_info if value.name in needed]
    for field, left in (
        (graph.node, kept[::-1]),
        (graph.initializer, weights),
        (graph.value_info, declared),
    ):
        del field[:]
        field.extend(left)


def _reads(node: onnx.NodeProto) -> set[str]:
    found = set(node.input)
    for graph in _inside(node):
        found |= {value.name for value in graph.output}
        for inner in graph.node:
            found |= _reads(inner)
    return found
