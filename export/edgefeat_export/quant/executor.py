"""Opens models in memory with ONNX Runtime, as devices run them."""

from __future__ import annotations

import onnx

from edgefeat.engine import cpu

__all__ = ["open_session"]


def open_session(model: onnx.ModelProto, *, threads: int = 0) -> cpu.InferenceSession:
    """Open a model on the CPU.

    Args:
        model: The model.
        threads: Threads inside one inference; 0 is one a core.
    """
    options = cpu.session_options(threads=threads, exact_int8=True)
    return cpu.open_session(model.SerializeToString(), options)
