"""A graph of an ONNX file, read in place from the file's bytes: its nodes, constants, inputs.

Only what a check of the operators needs is read, and no weight is copied. The numbers of the fields
are those of onnx.proto3. Standard library only.
"""

from __future__ import annotations

import mmap

from edgefeat.errors import ModelError
from edgefeat.model.protobuf import fields, whole_number
from edgefeat.record import Record

__all__ = ["Span", "StoredGraph", "StoredNode", "read_graph"]

Span = tuple[int, int]
"""Where a message begins and ends in the file."""

_NODE, _INITIALIZER, _INPUT, _SPARSE = 1, 5, 11, 15  # fields of GraphProto
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _OPERATOR, _ATTRIBUTE, _DOMAIN = 1, 2, 3, 4, 5, 7
_INTEGER, _TENSOR_ATTRIBUTE, _GRAPH_ATTRIBUTE = 3, 5, 6  # fields of AttributeProto
_TENSORS, _GRAPHS = 10, 11
_SPARSE_ATTRIBUTES = (22, 23)
_INFO_NAME = 1  # field of ValueInfoProto
_DATA_TYPE, _INT64_DATA, _TENSOR_NAME, _RAW_DATA, _EXTERNAL, _LOCATION = 2, 7, 8, 9, 13, 14
_INT64 = 7  # a value of _DATA_TYPE
_NUMBER_BYTES, _LONGEST_NUMBER = 8, 10  # an int64 as it is, and at most in protobuf's own form


class StoredNode(Record):
    """One operator of a graph.

    Args:
        domain: The domain of its operator; '' for the ONNX standard.
        operator: The name of its operator.
        name: What it is called, or its first output where it has no name.
        inputs: Names of the tensors it takes; '' for one that is left out.
        outputs: Names of the tensors it makes.
        graphs: Where the graphs inside it lie in the file.
        number: The value of a constant that is one whole number; None for all else.
    """

    domain: str
    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    graphs: tuple[Span, ...]
    number: int | None


class StoredGraph(Record):
    """The parts of a graph that say what it does.

    Args:
        nodes: The operators, in order.
        numbers: The initializers by name: the value of each that is one whole number, else None.
        inputs: The names of the tensors that whoever runs the graph gives.
    """

    nodes: tuple[StoredNode, ...]
    numbers: dict[str, int | None]
    inputs: frozenset[str]


def read_graph(data: bytes | mmap.mmap, span: Span) -> StoredGraph:
    """Return the graph at a place in a file.

    Args:
        data: The file.
        span: Where the graph's message begins and ends.

    Raises:
        ModelError: It is no message, or holds weights outside the file or in a sparse form.
    """
    nodes: list[StoredNode] = []
    numbers: dict[str, int | None] = {}
    inputs: set[str] = set()
    for number, _, start, end in fields(data, span):
        if number == _NODE:
            nodes.append(_node(data, (start, end)))
        elif number == _INITIALIZER:
            name, value = _tensor(data, (start, end))
            numbers[name] = value
        elif number == _INPUT:
            named = {n: (s, e) for n, _, s, e in fields(data, (start, end))}
            inputs.add(_text(data, named.get(_INFO_NAME)))
        elif number == _SPARSE:
            raise _sparse()
    return StoredGraph(nodes=tuple(nodes), numbers=numbers, inputs=frozenset(inputs) - set(numbers))


def _node(data: bytes | mmap.mmap, span: Span) -> StoredNode:
    inputs: list[str] = []
    outputs: list[str] = []
    graphs: list[Span] = []
    value: int | None = None
    operator = name = domain = ""
    for number, _, start, end in fields(data, span):
        if number == _ATTRIBUTE:
            inside, constant = _attribute(data, (start, end))
            graphs += inside
            value = constant if constant is not None else value
        elif number == _NODE_INPUT:
            inputs.append(_text(data, (start, end)))
        elif number == _NODE_OUTPUT:
            outputs.append(_text(data, (start, end)))
        elif number == _NODE_NAME:
            name = _text(data, (start, end))
        elif number == _OPERATOR:
            operator = _text(data, (start, end))
        elif number == _DOMAIN:
            domain = _text(data, (start, end))
    return StoredNode(
        domain="" if domain == "ai.onnx" else domain,
        operator=operator,
        name=name or next(iter(outputs), ""),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        graphs=tuple(graphs),
        number=value,
    )


def _attribute(data: bytes | mmap.mmap, span: Span) -> tuple[list[Span], int | None]:
    """Return the graphs inside an attribute, and the number if it is or holds a single one."""
    graphs: list[Span] = []
    value: int | None = None
    for number, _, start, end in fields(data, span):
        if number in (_GRAPH_ATTRIBUTE, _GRAPHS):
            graphs.append((start, end))
        elif number in (_TENSOR_ATTRIBUTE, _TENSORS):
            value = _tensor(data, (start, end))[1]
        elif number == _INTEGER:
            value = whole_number(data, start, signed=True)
        elif number in _SPARSE_ATTRIBUTES:
            raise _sparse()
    return graphs, value


def _tensor(data: bytes | mmap.mmap, span: Span) -> tuple[str, int | None]:
    """Return a tensor's name, and its value if it is one whole number of 64 bits."""
    name, kind = "", 0
    values: list[int | None] = []
    for number, _, start, end in fields(data, span):
        if number == _TENSOR_NAME:
            name = _text(data, (start, end))
        elif number == _DATA_TYPE:
            kind = whole_number(data, start)
        elif number == _EXTERNAL or (number == _LOCATION and whole_number(data, start)):
            raise _outside()
        elif number == _RAW_DATA and end - start == _NUMBER_BYTES:
            values.append(int.from_bytes(data[start:end], "little", signed=True))
        elif number == _INT64_DATA and end - start <= _LONGEST_NUMBER:
            values.append(whole_number(data, start, signed=True))  # packed or not: it reads alike
        elif number in (_RAW_DATA, _INT64_DATA):
            values.append(None)
    return name, values[0] if kind == _INT64 and len(values) == 1 else None


def _text(data: bytes | mmap.mmap, span: Span | None) -> str:
    return "" if span is None else data[slice(*span)].decode(errors="backslashreplace")


def _outside() -> ModelError:
    return ModelError(
        "refers to weights outside the file, which edgefeat never loads",
        remedy="Export it again with `edgefeat-export build`, which keeps all weights inside.",
    )


def _sparse() -> ModelError:
    return ModelError(
        "holds weights in a sparse form, which edgefeat-export does not write",
        remedy="Export it again with `edgefeat-export build`.",
    )
