"""An ONNX graph that passes may change: nodes, constants and names.

Two rules keep passes short and safe:

* A name never changes its meaning. A pass that computes something else makes a new tensor and
  redirects the users of the old one (`Graph.redirect`). So a remembered shape stays true.
* An output is a binding from a public name to a tensor. It is settled only when the model is
  written. So no pass has to care whether the tensor that it replaces is an output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, MutableSequence, Sequence
from typing import Any

import onnx
from onnx import helper, numpy_helper

from edgefeat_export.arrays import Array
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.node import Node
from edgefeat_export.graph.shapes import Shape, infer_shapes

__all__ = ["Graph", "Node"]


class Graph:
    """A mutable view of one ModelProto. `writing.write` turns it back into one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.header = onnx.ModelProto()  # all but the graph: opsets, IR version, metadata
        for field, value in model.ListFields():
            if field.name == "graph":
                continue
            if isinstance(value, MutableSequence):  # a repeated field, in protobuf 5 and later
                getattr(self.header, field.name).extend(value)
            else:
                setattr(self.header, field.name, value)
        self.name = model.graph.name
        self.inputs = list(model.graph.input)
        self.output_infos = list(model.graph.output)
        self.outputs = {v.name: v.name for v in model.graph.output}  # public name -> tensor
        self._constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self._nodes: dict[Node, None] = {}
        self._producer: dict[str, Node] = {}
        self._users: dict[str, list[Node]] = defaultdict(list)
        self._shapes: dict[str, Shape] = {}
        self._serial = 0
        self.revision = 0  # counts edits; a pass that leaves it alone found nothing to do
        for proto in model.graph.node:
            self._load(proto)

    def _load(self, proto: onnx.NodeProto) -> None:
        if proto.domain not in ("", "ai.onnx"):
            raise ConversionError(
                "expected only operators of the standard ONNX domain, got"
                f" {proto.domain}:{proto.op_type}",
                where=f"graph {self.name!r}, node {proto.name!r}",
                remedy="Replace the layer that it comes from.",
            )
        if any(a.HasField("g") or a.graphs for a in proto.attribute):
            raise ConversionError(
                f"expected a graph without branches or loops, got {proto.op_type}",
                where=f"graph {self.name!r}, node {proto.name!r}",
                remedy="Cut the model before the layer that it comes from.",
            )
        attrs = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        if proto.op_type == "Constant" and "value" in attrs:
            self._constants[proto.output[0]] = numpy_helper.to_array(attrs["value"])
            return
        self._insert(Node(proto.op_type, list(proto.input), list(proto.output), attrs))

    # Reading

    @property
    def opset(self) -> int:
        """Version of the standard operator set."""
        versions = {o.domain or "ai.onnx": o.version for o in self.header.opset_import}
        return int(versions["ai.onnx"])

    @property
    def nodes(self) -> list[Node]:
        """Every node, in the order in which they were added. The list is a snapshot."""
        return list(self._nodes)

    @property
    def constants(self) -> dict[str, Array]:
        """Every constant by name, of any type. Read it; to add one, call `constant`."""
        return self._constants

    def in_order(self, *, dead_too: bool = False) -> list[Node]:
        """Return the nodes that the outputs depend on, each after the nodes that it reads.

        The order depends on the outputs and on the order of inputs, never on names.

        Args:
            dead_too: Return the nodes that no output depends on as well, behind the others.
        """
        done: dict[Node, None] = {}
        roots = [self._producer.get(tensor) for tensor in self.outputs.values()]
        roots += self.nodes if dead_too else []
        stack = [(root, False) for root in reversed(roots)]
        while stack:
            node, ready = stack.pop()
            if node is None or node in done:
                continue
            if ready:
                done[node] = None
                continue
            stack.append((node, True))
            stack.extend((self._producer.get(name), False) for name in reversed(node.inputs))
        return list(done)

    def find(self, *ops: str) -> Iterator[Node]:
        """Yield the nodes of these operators that are still there when their turn comes."""
        for node in self.nodes:
            if node.op in ops and node in self._nodes:
                yield node

    def __contains__(self, node: Node) -> bool:
        return node in self._nodes

    def producer(self, name: str) -> Node | None:
        """Return the node that makes this tensor, or None for inputs and constants."""
        return self._producer.get(name)

    def users(self, name: str) -> list[Node]:
        """Return the nodes that read this tensor, each once. The list is a snapshot."""
        return list(dict.fromkeys(self._users.get(name, ())))

    def sole_user(self, name: str) -> Node | None:
        """Return the only reader of a tensor; None if it has several or is an output."""
        users = self.users(name)
        return users[0] if len(users) == 1 and name not in self.outputs.values() else None

    def value(self, name: str) -> Array | None:
        """Return the constant of this name, of any type; None if the tensor is computed."""
        return self._constants.get(name)

    def shape(self, name: str) -> Shape:
        """Return the dimensions, None for unknown ones; None if even the rank is unknown."""
        if name in self._constants:
            return self._constants[name].shape
        if name not in self._shapes:
            self._shapes.update(dict.fromkeys(self._producer, None))
            self._shapes.update(
                infer_shapes(
                    self.in_order(dead_too=True),
                    inputs=self.inputs,
                    constants=self._constants,
                    opset=self.opset,
                    ir_version=self.header.ir_version,
                )
            )
        return self._shapes.get(name)

    def forget_unknown_shapes(self) -> None:
        """Ask again for shapes that inference could not tell: after an edit it may know more."""
        self._shapes = {name: shape for name, shape in self._shapes.items() if shape is not None}

    # Editing

    def set_input(self, info: onnx.ValueInfoProto) -> None:
        """Redeclare the input of this name. The caller makes sure that its readers fit."""
        self.inputs = [info if old.name == info.name else old for old in self.inputs]
        self._shapes.clear()
        self.revision += 1

    def constant(self, array: Array) -> str:
        """Add a constant of any type, and return its name. The array is shared, not copied."""
        name = self._fresh("const")
        self._constants[name] = array
        return name

    def add(self, op: str, inputs: Sequence[str], *, outputs: int = 1, **attrs: Any) -> Node:
        """Add a node with new output names and return it.

        Args:
            op: Name of the operator.
            inputs: Names of the tensors that it reads; "" for an optional input that is left out.
            outputs: Number of its outputs.
            attrs: Attributes by name.
        """
        return self._insert(
            Node(op, list(inputs), [self._fresh(op) for _ in range(outputs)], dict(attrs))
        )

    def redirect(self, old: str, new: str) -> None:
        """Let every reader of `old`, outputs included, read `new`."""
        for user in self.users(old):
            if new in user.outputs:
                continue
            user_inputs = [new if name == old else name for name in user.inputs]
            self.rewire(user, user_inputs)
        for public, tensor in self.outputs.items():
            if tensor == old:
                self.outputs[public] = new
                self.revision += 1

    def replace(self, node: Node, new: str) -> None:
        """Let `new` stand for the node's output and drop the node."""
        self.redirect(node.out, new)
        self.remove(node)

    def rewire(self, node: Node, inputs: Sequence[str]) -> None:
        """Change what a node reads. The caller makes sure that it still computes the same."""
        for name in node.inputs:
            self._users[name].remove(node)
        node.inputs = list(inputs)
        for name in node.inputs:
            self._users[name].append(node)
        self.revision += 1

    def remove(self, node: Node) -> None:
        """Drop a node. Its outputs must have no readers left."""
        self.rewire(node, [])
        del self._nodes[node]
        for name in node.outputs:
            self._producer.pop(name, None)

    def drop_constants(self, names: Sequence[str]) -> None:
        """Forget constants that nothing reads."""
        for name in names:
            del self._constants[name]

    def _insert(self, node: Node) -> Node:
        self.revision += 1
        self._nodes[node] = None
        for name in node.inputs:
            self._users[name].append(node)
        for name in node.outputs:
            self._producer[name] = node
        return node

    def _fresh(self, hint: str) -> str:
        while True:
            self._serial += 1
            name = f"{hint}~{self._serial}"  # no exporter writes a tilde
            if name not in self._producer and name not in self._constants:
                return name
