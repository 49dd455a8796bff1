"""Decides what of a graph becomes integer, and which tensors share their parameters."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.float_parts import float_parts
from edgefeat_export.quant.operators import is_plain_convolution
from edgefeat_export.quant.scheme import Affine
from edgefeat_export.quant.steps import INTEGER_OPS, SHARING_OPS, Step, steps_of

__all__ = ["ImageInput", "Plan", "make_plan", "pictures_at_once"]

_PLAIN_GEMM = {"alpha": 1.0, "beta": 1.0, "transA": 0}  # others have no integer kernel
_MOST_BYTES = 900_000_000  # for the tensors of all pictures
_INTEGER_BYTES, _FLOAT_BYTES = 3, 6  # a number in both networks: float16 beside uint8 or float32


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInput:
    """The picture itself as a quantized tensor: no float arithmetic before the first convolution.

    Attributes:
        tensor: The float tensor that the first operator reads.
        affine: What its bytes mean.
        steps: The steps it replaces, from the graph's input to the tensor.
    """

    tensor: str
    affine: Affine
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes integer.

    Attributes:
        steps: The graph in order.
        integer: Outputs of the steps that run on integers.
        quantized: Tensors stored as uint8.
        shared: For a tensor that has the parameters of another one, the name of that one.
        image: How the picture enters; None if its bytes cannot be used as they are.
    """

    steps: tuple[Step, ...]
    integer: frozenset[str]
    quantized: frozenset[str]
    shared: Mapping[str, str]
    image: ImageInput | None


def make_plan(graph: Graph, keep_float: Collection[str] = ()) -> Plan:
    """Decide what becomes integer.

    Args:
        graph: A clean float graph.
        keep_float: Outputs of steps that stay in float.
    """
    steps = tuple(steps_of(graph))
    image = _image_input(graph, steps)
    before = {step.output for step in image.steps} if image else set()
    integer, quantized = set(), set()
    in_float = float_parts(graph)
    for step in steps:
        if step.output in before or step.node.out in in_float:
            continue
        if not _runs_on_integers(graph, step, keep_float):
            continue
        integer.add(step.output)
        quantized.update(_variable_inputs(graph, step))
        if step.output not in graph.outputs.values() or graph.users(step.output):
            quantized.add(step.output)
    quantized -= _left_real(graph, steps, integer)
    shared: dict[str, str] = {}
    for step in steps:
        source = step.node.inputs[0] if step.node.inputs else ""
        moves = step.node.op in SHARING_OPS and step.activation is None
        if moves and source in quantized and step.output not in before:
            shared[step.output] = shared.get(source, source)
            quantized.add(step.output)
    return Plan(
        steps=steps,
        integer=frozenset(integer),
        quantized=frozenset(quantized),
        shared=shared,
        image=image,
    )


def _left_real(graph: Graph, steps: tuple[Step, ...], integer: set[str]) -> set[str]:
    """Return products of rows that float operators alone read: their kernel can leave real numbers.

    Only those that a Reshape gives their places back to, as `products` writes them.
    """
    by_input: dict[str, list[Step]] = {}
    for step in steps:
        for name in step.node.inputs:
            by_input.setdefault(name, []).append(step)
    found: set[str] = set()
    for step in steps:
        readers = by_input.get(step.output, [])
        if step.node.op != "Gemm" or step.output not in integer or len(readers) != 1:
            continue
        if readers[0].node.op != "Reshape":
            continue
        users = by_input.get(readers[0].output, [])
        moved = any(user.node.op in SHARING_OPS or user.output in integer for user in users)
        if users and not moved:
            found.add(step.output)
    return found


def _runs_on_integers(graph: Graph, step: Step, keep_float: Collection[str]) -> bool:
    node = step.node
    if node.op not in INTEGER_OPS or step.output in keep_float:
        return False
    variable = _variable_inputs(graph, step)
    if step.weighted:
        plain = all(node.attrs.get(k, v) == v for k, v in _PLAIN_GEMM.items())
        if node.op == "Conv":
            plain = is_plain_convolution(graph, node)
        return variable == node.inputs[:1] and plain
    return len(variable) == len([name for name in node.inputs if name])


def _variable_inputs(graph: Graph, step: Step) -> list[str]:
    return [name for name in step.node.inputs if name and graph.value(name) is None]


def _image_input(graph: Graph, steps: tuple[Step, ...]) -> ImageInput | None:
    """Let the picture enter as it is if one zero point is within half a level of every mean."""
    (info,) = graph.inputs
    passed, tensor, mean = [], info.name, np.zeros(1)
    by_input = {step.node.inputs[0]: step for step in steps if step.node.inputs}
    for _ in range(3):
        step = by_input.get(tensor)
        if step is None or graph.sole_user(tensor) is not step.node or step.activation is not None:
            break
        if step.node.op == "Add" and (shift := graph.value(step.node.inputs[1])) is not None:
            mean = -np.asarray(shift, np.float64).ravel()
        elif step.node.op not in ("Transpose", "Cast"):
            break
        passed.append(step)
        tensor = step.output
    zero = int(np.clip(np.floor(mean.mean()), 0, 255))
    if not passed or passed[-1].node.op == "Transpose" or np.abs(mean - zero).max() > 0.5:
        return None
    return ImageInput(tensor=tensor, affine=Affine(scale=1.0, zero_point=zero), steps=tuple(passed))


def pictures_at_once(graph: Graph, plan: Plan) -> int:
    """Return how many pictures the layer by layer walk can hold in `_MOST_BYTES`."""
    last = {name: index for index, step in enumerate(plan.steps) for name in step.node.inputs}
    live: dict[str, int] = {}
    most = 1
    for index, step in enumerate(plan.steps):
        shape = graph.shape(step.output) or ()
        each = _INTEGER_BYTES if step.output in plan.quantized else _FLOAT_BYTES
        live[step.output] = math.prod(side or 1 for side in shape) * each
        most = max(most, sum(live.values()))
        live = {name: size for name, size in live.items() if last.get(name, -1) > index}
    return max(1, _MOST_BYTES // most)
