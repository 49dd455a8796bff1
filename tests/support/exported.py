"""A network's features by way of ONNX."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort

from edgefeat_export.cut.headless import Tap
from edgefeat_export.networks.network import Network
from edgefeat_export.pipeline.material import float_graph


def exported(network: Network, images: np.ndarray, tap: Tap | None = None) -> np.ndarray:
    """The features of the ONNX graph, in a plain ONNX Runtime."""
    graph = float_graph(network.cut([tap or Tap()]), network.normalisation)
    session = ort.InferenceSession(graph.SerializeToString())
    features: np.ndarray = session.run(None, {"image": images})[0]
    return features
