"""Which parts of a network to keep in float, attempt after attempt, until gates hold."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.products import with_products
from edgefeat_export.quant.steps import steps_of

__all__ = ["Choices"]

_LAYERS_IN_FLOAT = (0, 1, 2, 4, 8)  # in the first attempt, the second, ...


class Choices:
    """What to keep in float, attempt after attempt.

    Nothing at first. Then the products of two tensors, as in attention, where there are any; then
    the layers that lose most besides, up to half of them. Last, all layers that were no layers of
    an integer network before `products` wrote them as such: those on tokens.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = Graph(with_products(model))
        steps = steps_of(self._graph)
        self._products = [step.output for step in steps if step.node.op == "MatMul"]
        own = {step.output for step in steps_of(Graph(model)) if step.weighted}
        weighted = [step for step in steps if step.weighted]
        self._on_rows = (
            [step.output for step in weighted if step.node.op == "Gemm"]
            if len(own) < len(weighted)
            else []
        )
        self._waiting: list[list[str]] | None = None

    @property
    def has_products(self) -> bool:
        """Whether two tensors are multiplied as matrices somewhere."""
        return bool(self._products)

    def next(self) -> list[str] | None:
        """Return what to keep in float next; None if nothing is left to try."""
        if self._waiting is None:
            return []
        return self._waiting.pop(0) if self._waiting else None

    def learn(self, errors: Mapping[str, float]) -> None:
        """Plan the next attempts from the first one's errors."""
        if self._waiting is not None:
            return
        worst = _by_loss(self._graph, errors)
        counts = [count for count in _LAYERS_IN_FLOAT if count <= len(worst) // 2]
        self._waiting = [
            self._products + worst[:count] for count in counts if count or self._products
        ]
        if self._on_rows:
            self._waiting.append(self._products + self._on_rows)


def _by_loss(graph: Graph, errors: Mapping[str, float]) -> list[str]:
    """Return the weighted layers by the error that they add to their input's, largest first."""
    losses = {}
    for step in steps_of(graph):
        if step.weighted and step.output in errors:
            reached = max((errors.get(name, 0.0) for name in step.node.inputs), default=0.0)
            losses[step.output] = errors[step.output] - reached
    return sorted(losses, key=lambda name: (-losses[name], name))
