"""The layers of a flat network in stages: columns, numbers, columns again, and so on.

A stage of columns (0, 2, ...) is written by this room. A stage of numbers (1, 3, ...) goes to
tf2onnx as one model. A layer stands in the earliest stage of its kind that has all its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from edgefeat_export.columns.translators import ALWAYS, TRANSLATORS

__all__ = ["Stage", "calls_of", "kind_of", "stages_of"]


@dataclass(slots=True)
class Stage:
    """Some layers of a network, in the order in which they compute.

    Attributes:
        by_tf2onnx: Whether they are numeric.
        calls: The nodes of Keras's graph.
    """

    by_tf2onnx: bool
    calls: list[Any] = field(default_factory=list)


def stages_of(model: keras.Model) -> list[Stage]:
    """Return the stages of a flat functional model, the first one first."""
    at = {id(tensor): 0 for tensor in model.inputs}
    stages: dict[int, Stage] = {}
    for call in calls_of(model):
        before = max((at[id(tensor)] for tensor in call.input_tensors), default=0)
        numeric = not _is_written_here(call, before)
        stage = before if before % 2 == numeric else before + 1
        for tensor in call.outputs:
            at[id(tensor)] = stage
        stages.setdefault(stage, Stage(numeric)).calls.append(call)
    return [stages[number] for number in sorted(stages)]


def kind_of(call: Any) -> str:
    """Return the class of a call's layer, as the translators name it."""
    return type(call.operation).__name__


def calls_of(model: keras.Model) -> Iterator[Any]:
    """Yield the nodes of Keras's graph in the order in which they compute, without the inputs."""
    by_depth = model._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from (call for call in by_depth[depth] if not call.is_input)


def _is_written_here(call: Any, before: int) -> bool:
    kind = kind_of(call)
    if kind not in TRANSLATORS:
        return False
    if kind in ALWAYS or any(tensor.dtype == "string" for tensor in call.input_tensors):
        return True
    return before == 0
