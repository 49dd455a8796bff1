"""The one file that knows ONNX Runtime: opens a model on the asked providers and runs it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

# ONNX Runtime's errors share no base class; these are all it raises.
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as OrtNotImplemented,
)

from edgefeat.errors import ModelError, ProviderError
from edgefeat.spec import ModelSpec

__all__ = ["ProviderWarning", "Session", "available_providers"]

_ORT_ERRORS = (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    OrtNotImplemented,
    RuntimeException,
)
_SUFFIX = "ExecutionProvider"
_FATAL_ONLY = 4  # log level: what goes wrong is raised, not printed


class ProviderWarning(UserWarning):
    """A less wanted execution provider runs than the first one asked for."""


def available_providers() -> tuple[str, ...]:
    """Return the short names (`cpu`, `cuda`, ...) this ONNX Runtime build offers."""
    return tuple(_short(name) for name in ort.get_available_providers())


class Session:
    """A model opened for inference; safe to run from several threads at once."""

    def __init__(
        self, path: Path, spec: ModelSpec, *, providers: Sequence[str], strict: bool, threads: int
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads: expected 1 or more, got {threads}")
        wanted = _full_names(providers)
        with warnings.catch_warnings():  # an absent provider only warns there; it is checked below
            warnings.simplefilter("ignore")
            try:
                self._session = ort.InferenceSession(
                    str(path), _options(threads), providers=list(wanted)
                )
            except _ORT_ERRORS as error:
                raise ModelError(f"{path}: ONNX Runtime cannot open it: {error}") from error
        self.providers = tuple(_short(name) for name in self._session.get_providers())
        _check_running(self.providers, [_short(name) for name in wanted], strict)
        self._input = spec.input.name
        self._outputs = [output.name for output in spec.outputs]
        self._where = str(path)
        _check_signature(self._session, spec, path)

    def run(self, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the graph.

        Args:
            images: uint8 `(N, height, width, channels)`.

        Returns:
            Every output by name: float32 `(N, ...)`.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        return dict(zip(self._outputs, self._run(self._outputs, images), strict=True))

    def run_primary(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the graph and return only the primary output: float32 `(N, ...)`."""
        result: NDArray[np.float32] = self._run(self._outputs[:1], images)[0]
        return result

    def _run(self, outputs: list[str], images: NDArray[np.uint8]) -> list[Any]:
        try:
            results: list[Any] = self._session.run(outputs, {self._input: images})
        except _ORT_ERRORS as error:
            raise ModelError(f"{self._where}: inference failed: {error}") from error
        return results


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # ALL is where the fast int8 and NCHWc layouts live: EXTENDED is 1.3 to 3 times slower.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Spinning burns a core while idle and is several times slower beside another busy process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL_ONLY
    return options


def _full_names(providers: Sequence[str]) -> list[str]:
    offered = {_short(name): name for name in ort.get_available_providers()}
    wanted = [_short(name) for name in providers]
    if not wanted:
        raise ValueError("providers: expected at least one name, got none")
    missing = [name for name in wanted if name not in offered]
    if missing:
        raise ProviderError(
            f"execution provider {missing[0]!r} is not in the installed ONNX Runtime, which "
            f"offers {', '.join(offered)}. {_remedy(missing[0])}"
        )
    return [offered[name] for name in wanted]


def _remedy(name: str) -> str:
    if name == "cuda":
        return "Replace onnxruntime by its CUDA build, the package onnxruntime-gpu."
    return "Install an ONNX Runtime build that has it, or ask for another provider."


def _short(name: str) -> str:
    return name.removesuffix(_SUFFIX).lower()


def _check_running(running: Sequence[str], wanted: Sequence[str], strict: bool) -> None:
    if running[0] == wanted[0]:
        return
    message = (
        f"asked for execution provider {wanted[0]!r}, but ONNX Runtime runs {running[0]!r}: "
        "the provider could not start, as when a driver or library is missing"
    )
    if strict:
        raise ProviderError(f"{message}. Pass strict=False to accept {running[0]!r}.")
    warnings.warn(message, ProviderWarning, stacklevel=4)


def _check_signature(session: ort.InferenceSession, spec: ModelSpec, path: Path) -> None:
    """The spec is a promise about the graph: hold the graph to it."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    height, width = spec.input.size_hw
    _expect(path, "inputs", [spec.input.name], [i.name for i in inputs])
    _expect(path, "input type", "tensor(uint8)", inputs[0].type)
    shape = [height, width, spec.input.channels]
    _expect(path, "input shape after the batch axis", shape, list(inputs[0].shape[1:]))
    _expect(path, "outputs", [o.name for o in spec.outputs], [o.name for o in outputs])
    for described, real in zip(spec.outputs, outputs, strict=True):
        _expect(path, f"type of output {real.name!r}", "tensor(float)", real.type)
        where = f"shape of output {real.name!r} after the batch axis"
        _expect(path, where, list(described.shape), list(real.shape[1:]))


def _expect(path: Path, what: str, expected: object, got: object) -> None:
    if expected != got:
        raise ModelError(
            f"{path}: {what}: the spec says {expected}, the graph has {got}. Export it again."
        )
