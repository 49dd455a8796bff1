"""Small graphs in the notation of the passes' docstrings, and what a pass makes of them.

The notation is explained in `edgefeat_export.graph.passes`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from edgefeat_export.graph.writing import write
from graph_support import assert_same, make_model

Array = NDArray[Any]
Run = Callable[[Graph], None]
OUTPUTS = ("y", "z")
BATCH = 2


@dataclass
class Line:
    """One node of an example: outputs, operator, inputs and attributes."""

    outputs: list[str]
    op: str
    inputs: list[str]
    attrs: dict[str, Any]


@dataclass
class Example:
    """One graph of a docstring."""

    shapes: dict[str, list[Any]] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def model(self, opset: int = 17) -> ModelProto:
        """Return the graph as a model that can be run."""
        made = {name for line in self.lines for name in line.outputs}
        nodes: list[NodeProto] = [
            helper.make_node(line.op, line.inputs, line.outputs, **line.attrs)
            for line in self.lines
        ]
        ranks = {name: _rank(nodes, self.shapes, self.constants, name) for name in OUTPUTS}
        outputs = {name: ranks[name] for name in OUTPUTS if name in made}
        return make_model(nodes, self.shapes, outputs, self.constants, opset=opset)

    def feeds(self) -> dict[str, Array]:
        """Return numbers for every input, of both signs."""
        rng = np.random.default_rng(3)
        sizes = {
            name: [BATCH if isinstance(side, str) else side for side in shape]
            for name, shape in self.shapes.items()
        }
        return {name: 4 * rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}

    def require_in(self, graph: Graph) -> None:
        """Check that a graph is this one, whatever its tensors are called."""
        makers = {name: line for line in self.lines for name in line.outputs}
        known: dict[str, str] = {}

        def compare(name: str, tensor: str) -> None:
            if name in known:
                assert known[name] == tensor, f"{name} is two different tensors"
                return
            known[name] = tensor
            if name in self.shapes:
                assert name == tensor, f"expected the input {name}, got {tensor}"
            elif name in makers:
                compare_node(makers[name], tensor)
            else:
                value = graph.value(tensor)
                assert value is not None, f"{name}: expected a constant"
                if name in self.constants:
                    assert np.array_equal(np.signbit(value), np.signbit(self.constants[name]))
                    np.testing.assert_allclose(value, self.constants[name], rtol=1e-6)

        def compare_node(line: Line, tensor: str) -> None:
            node = graph.producer(tensor)
            assert node is not None, f"{line.outputs}: expected {line.op}, got no node"
            assert (node.op, len(node.inputs)) == (line.op, len(line.inputs)), line
            for key, value in line.attrs.items():
                got = node.attrs[key]
                assert (list(got) if isinstance(value, list) else got) == value, (line, key, got)
            for part, source in zip(line.inputs, node.inputs, strict=True):
                compare(part, source)

        for name in OUTPUTS:
            if name in makers:
                compare(name, graph.outputs[name])
        found = len(graph.in_order())
        assert found == len(self.lines), f"expected {len(self.lines)} nodes, got {found}"


def assert_becomes(run: Run, before: str | Example, after: str | Example, opset: int = 17) -> None:
    """Check that a pass, or several, change the first graph to the second, and not its outputs."""
    first = read(before) if isinstance(before, str) else before
    second = read(after) if isinstance(after, str) else after
    second.shapes = first.shapes
    model = first.model(opset)
    graph = Graph(model)
    revision = graph.revision
    run(graph)
    assert graph.revision > revision, "the graph stayed as it was"
    drop_dead(graph)
    second.require_in(graph)
    assert_same(model, write(graph), first.feeds())


def assert_stays(run: Run, source: str | Example, opset: int = 17) -> None:
    """Check that a pass finds nothing to do in a graph."""
    example = read(source) if isinstance(source, str) else source
    graph = Graph(example.model(opset))
    revision = graph.revision
    run(graph)
    assert graph.revision == revision


def examples_of(function: Callable[..., Any]) -> tuple[Example, Example]:
    """Return the graphs before and after that a pass's docstring shows."""
    doc = inspect.getdoc(function) or ""
    _, before, after = re.split("^(?:Before|After)::", doc, flags=re.MULTILINE)
    first = read(_block(before))
    second = read(_block(after))
    second.shapes = first.shapes
    return first, second


def _block(text: str) -> str:
    """Return the indented lines at the start of a text."""
    lines = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines))


def read(text: str) -> Example:
    """Read one graph in the notation."""
    example = Example()
    rng = np.random.default_rng(4)
    for statement in ast.parse(textwrap.dedent(text)).body:
        if isinstance(statement, ast.AnnAssign):
            assert isinstance(statement.target, ast.Name)
            name, kind = statement.target.id, statement.annotation
            if isinstance(kind, ast.Call):
                sides = [int(ast.literal_eval(side)) for side in kind.args]
                example.constants[name] = rng.uniform(0.5, 2, sides).astype(np.float32)
            else:
                assert isinstance(kind, ast.Tuple)
                example.shapes[name] = [
                    side.id if isinstance(side, ast.Name) else ast.literal_eval(side)
                    for side in kind.elts
                ]
            continue
        assert isinstance(statement, ast.Assign), ast.unparse(statement)
        example.lines.append(_line(statement, example))
    return example


def _line(statement: ast.Assign, example: Example) -> Line:
    (target,), call = statement.targets, statement.value
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    inputs = []
    for argument in call.args:
        if isinstance(argument, ast.Name):
            inputs.append(argument.id)
            continue
        value = ast.literal_eval(argument)
        whole = isinstance(value, list)
        inputs.append(f"number{len(example.constants)}")
        example.constants[inputs[-1]] = np.array(value, np.int64 if whole else np.float32)
    attrs = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    return Line([ast.unparse(name) for name in targets], call.func.id, inputs, attrs)


def _rank(
    nodes: list[NodeProto],
    shapes: dict[str, list[Any]],
    constants: dict[str, Array],
    name: str,
) -> list[Any]:
    """Return the declared shape of an output, as onnx infers it."""
    from onnx import TensorProto, numpy_helper, shape_inference

    graph = helper.make_graph(
        nodes,
        "example",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, n) for n, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    found = shape_inference.infer_shapes(model, data_prop=True).graph.output[0]
    return [d.dim_value or None for d in found.type.tensor_type.shape.dim]
