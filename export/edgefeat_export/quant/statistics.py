"""What the float model's activations look like: one streamed pass over every picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.quant.executor import open_session, with_outputs
from edgefeat_export.quant.ranges import Histogram

__all__ = ["observe"]

_SAMPLED = 1 << 15  # values a picture adds to each histogram; its extremes are always exact


def observe(
    model: onnx.ModelProto,
    tensors: Sequence[str],
    images: NDArray[np.uint8],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Mapping[str, Histogram]:
    """Return a histogram of each tensor over all pictures; memory holds one picture's tensors.

    Args:
        model: The float model.
        tensors: Names of tensors in it.
        images: uint8 `(N, height, width, channels)`.
        advance: Called after each picture.
    """
    if not tensors:
        return {}
    session = open_session(with_outputs(model, tensors))
    name = model.graph.input[0].name
    histograms = {tensor: Histogram() for tensor in tensors}
    for image in images:
        arrays = session.run(list(tensors), {name: image[np.newaxis]})
        for tensor, array in zip(tensors, arrays, strict=True):
            flat = array.ravel()
            extremes = float(flat.min()), float(flat.max())
            histograms[tensor].add(flat[:: max(1, flat.size // _SAMPLED)], extremes)
        advance()
    return histograms
