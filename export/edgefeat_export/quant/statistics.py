"""What the float network's activations look like: one streamed pass over every picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.operators import Operator, held
from edgefeat_export.quant.ranges import Histogram
from edgefeat_export.quant.steps import Step

__all__ = ["observe"]

_SAMPLED = 1 << 15  # values a picture adds to each histogram; its extremes are always exact


def observe(
    graph: Graph,
    steps: Sequence[Step],
    tensors: Collection[str],
    images: NDArray[np.uint8],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Mapping[str, Histogram]:
    """Return a histogram of each tensor over all pictures; memory holds one picture's tensors.

    Args:
        graph: The float network.
        steps: The steps of that network, in order.
        tensors: Outputs of some of them.
        images: uint8 `(N, height, width, channels)`.
        advance: Called after each picture.
    """
    histograms = {tensor: Histogram() for tensor in tensors}
    row = [(step, Operator(graph, step.node)) for step in steps]
    (info,) = graph.inputs
    for image in images:
        known: dict[str, NDArray[Any]] = {info.name: image[np.newaxis]}
        readers = Counter(name for _, operator in row for name in operator.inputs)
        for step, operator in row:
            result = step.activated(operator.run([known[name] for name in operator.inputs]))
            if step.output in histograms:
                _count(histograms[step.output], result)
            known[step.output] = held(result)
            readers.subtract(operator.inputs)
            for name in operator.inputs:
                if not readers[name]:
                    del known[name]
        advance()
    return histograms


def _count(histogram: Histogram, values: NDArray[Any]) -> None:
    flat = values.ravel().astype(np.float32)
    extremes = float(flat.min()), float(flat.max())
    histogram.add(flat[:: max(1, flat.size // _SAMPLED)], extremes)
