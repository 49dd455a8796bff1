"""Opens ONNX Runtime's sessions: the one place that knows their options, and its errors.

On the CPU nothing else is needed. For other execution providers `session` says which.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as binding

__all__ = ["ORT_ERRORS", "InferenceSession", "open_session", "reason", "session_options"]

InferenceSession: TypeAlias = ort.InferenceSession
"""What `open_session` returns, for annotations outside of `edgefeat.engine`."""

# ONNX Runtime's errors share no base class, and versions differ in them. Some failures, such as of
# memory, come as Python's own.
ORT_ERRORS: tuple[type[Exception], ...] = (
    *(e for e in vars(binding).values() if isinstance(e, type) and issubclass(e, Exception)),
    MemoryError,
    RuntimeError,
)
_FATAL_ONLY = 4  # log level: what goes wrong is raised, not printed


def session_options(
    *,
    threads: int = 1,
    spinning: bool = False,
    arena: bool = True,
    optimise: bool = True,
    exact_int8: bool = False,
) -> ort.SessionOptions:
    """Return ONNX Runtime's options for a session.

    Args:
        threads: Threads inside one inference; 0 is one a core.
        spinning: Whether idle threads burn their core to wake faster.
        arena: Whether memory is kept between inferences.
        optimise: Whether the graph is optimised; one that was needs it no more.
        exact_int8: Whether int8 products that could saturate on this CPU take slower, exact
            kernels.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    level = ort.GraphOptimizationLevel
    # ALL is where the fast int8 and NCHWc layouts live: EXTENDED is 1.3 to 3 times slower.
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    options.enable_cpu_mem_arena = arena
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    if exact_int8:
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = _FATAL_ONLY
    return options


def open_session(
    model: str | bytes,
    options: ort.SessionOptions,
    *,
    providers: Sequence[Any] | None = ("CPUExecutionProvider",),
) -> InferenceSession:
    """Open a model.

    Args:
        model: Path of the model file, or the bytes of one.
        options: See `session_options`.
        providers: What ONNX Runtime takes as such, by default the CPU alone; None where the options
            say it.

    Raises:
        Exception: One of `ORT_ERRORS`.
    """
    chosen = None if providers is None else list(providers)
    with warnings.catch_warnings():  # an absent provider only warns there; `session` checks it
        warnings.simplefilter("ignore")
        # Its fallback prints on stdout, and moves to the CPU without a word to the program.
        return ort.InferenceSession(model, options, providers=chosen, enable_fallback=0)


def reason(error: Exception) -> str:
    """Return an error of ONNX Runtime, which may have several lines, as one."""
    if isinstance(error, MemoryError):
        return "memory is short"
    return " ".join(str(error).split()).rstrip(".")
