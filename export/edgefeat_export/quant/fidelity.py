"""Runs a graph in memory over pictures, so that its features can be compared with another's."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat_export.quant.executor import open_session

__all__ = ["features_of"]


def features_of(model: onnx.ModelProto, images: NDArray[np.uint8]) -> Features:
    """Return the first output for each picture: float32 `(N, D)`."""
    session = open_session(model)
    name, output = model.graph.input[0].name, model.graph.output[0].name
    rows = [session.run([output], {name: image[np.newaxis]})[0].ravel() for image in images]
    return np.stack(rows)
