"""Opens a model in ONNX Runtime on the asked providers, checks what really runs, and runs it."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edgefeat.engine import cache as optimised
from edgefeat.engine.providers import ORT_ERRORS, Provider, find, load_libraries, offered, short
from edgefeat.errors import ModelError, ProviderError, ProviderWarning
from edgefeat.model.file import ModelFile
from edgefeat.model.spec import ModelSpec
from edgefeat.record import Record

if TYPE_CHECKING:
    from pathlib import Path  # imported by no start

__all__ = [
    "SAFE_PAIR",
    "EngineOptions",
    "Session",
    "available_providers",
    "may_saturate",
]

_FATAL_ONLY = 4  # log level: what goes wrong is raised, not printed
_CPU = "cpu"
_X86 = ("x86_64", "AMD64", "i686")
_RECORD = "session.record_ep_graph_assignment_info"

SAFE_PAIR = 128
"""What two int8 weights beside each other may add up to: 255 * 128 fits 16 bits."""


class EngineOptions(Record):
    """How the inference engine uses the machine: the one place for threads and memory.

    Args:
        threads: Threads inside one inference. Two pictures at once, each on one thread, are
            faster than one picture on two.
        spinning: Whether idle threads burn their core to wake faster; only for a device that does
            nothing else. Beside another busy process it is several times slower.
        arena: Whether memory is kept between inferences; without it each is about 5 % slower.
        cache: Whether the optimised form of the model is kept for the next start.
    """

    threads: int = 1
    spinning: bool = False
    arena: bool = True
    cache: bool = True

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"threads: expected 1 or more, got {self.threads}")


def available_providers() -> tuple[str, ...]:
    """Return the short names (`cpu`, `cuda`, ...) that can be asked for here."""
    return tuple(offered())


class Session:
    """A model opened for inference; safe to run from several threads at once."""

    def __init__(
        self, file: ModelFile, *, providers: Sequence[str], strict: bool, engine: EngineOptions
    ) -> None:
        wanted = find(providers)
        self._where, missing = file.path, ""
        if wanted[0].name == _CPU:
            self._session = _open_on_cpu(file, engine)
        else:
            missing = load_libraries(wanted)
            self._session = _open(file, wanted, engine, strict=strict)
        self.providers = _with_work(self._session)
        _check_running(self.providers, [provider.name for provider in wanted], strict, missing)
        self._input = file.spec.input.name
        self._outputs = [output.name for output in file.spec.outputs]
        _check_signature(self._session, file)
        if self.providers[0] != _CPU:  # kernels are chosen and memory taken now, not for a picture
            self.run_primary(
                np.zeros((1, *file.spec.input.size_hw, file.spec.input.channels), "u1")
            )

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
        except ORT_ERRORS as error:
            raise ModelError(f"{self._where}: inference failed: {_reason(error)}") from error
        return results


def _open_on_cpu(file: ModelFile, engine: EngineOptions) -> ort.InferenceSession:
    """Open the optimised form of an earlier start, or optimise now and keep the result."""
    version = ort.__version__
    kept = optimised.find(file.identity, version) if engine.cache else None
    if kept is not None:
        options = _options(engine)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
        try:
            return _create(kept, options)
        except ORT_ERRORS:  # removed in between, or made by another build of the same version
            pass
    keep = optimised.saving(file.identity, version) if engine.cache else nullcontext()
    try:
        with keep as path:
            options = _options(engine, file.spec)
            if path is not None:
                options.optimized_model_filepath = path
                if optimised.is_mapped(version):
                    options.add_session_config_entry("session.save_model_format", "ORT")
            session = _create(file.path, options)
            if kept is not None:  # this opened where that did not: the fault was the kept file's
                optimised.remove(file.identity, version)
            return session
    except ORT_ERRORS as error:
        if not engine.cache:
            raise _cannot_open(file, error) from error
    try:  # the cache's disk may be full: that must not stop the model
        return _create(file.path, _options(engine, file.spec))
    except ORT_ERRORS as error:
        raise _cannot_open(file, error) from error


def _open(
    file: ModelFile, wanted: Sequence[Provider], engine: EngineOptions, *, strict: bool
) -> ort.InferenceSession:
    options = _options(engine, file.spec)
    options.add_session_config_entry(_RECORD, "1")
    plugin = next((provider for provider in wanted if provider.devices), None)
    try:
        if plugin is None:
            pairs = [(provider.full_name, provider.options) for provider in wanted]
            return _create(file.path, options, pairs)
        for provider in wanted:
            if provider.devices:
                options.add_provider_for_devices(list(provider.devices[:1]), provider.options)
            else:
                options.add_provider(provider.full_name, provider.options)
        return ort.InferenceSession(file.path, options, enable_fallback=0)
    except ORT_ERRORS as error:
        first = wanted[0].name
        if not strict and any(provider.name == _CPU for provider in wanted):
            return _open_on_cpu(file, engine)
        raise ProviderError(
            f"{file.path}: execution provider {first!r} cannot run this model here: "
            f"{_reason(error)}. Ask for another provider, or run `edgefeat doctor`."
        ) from error


def _create(
    path: str, options: ort.SessionOptions, providers: Sequence[Any] = ("CPUExecutionProvider",)
) -> ort.InferenceSession:
    with warnings.catch_warnings():  # an absent provider only warns there; it is checked later
        warnings.simplefilter("ignore")
        # Its fallback prints on stdout, and moves to the CPU without a word to the program.
        return ort.InferenceSession(path, options, providers=list(providers), enable_fallback=0)


def _cannot_open(file: ModelFile, error: Exception) -> ModelError:
    return ModelError(f"{file.path}: ONNX Runtime cannot open it: {_reason(error)}")


def _reason(error: Exception) -> str:
    """Return an error of ONNX Runtime, which may have several lines, as one."""
    if isinstance(error, MemoryError):
        return "memory is short"
    return " ".join(str(error).split()).rstrip(".")


def _options(engine: EngineOptions, spec: ModelSpec | None = None) -> ort.SessionOptions:
    """Return ONNX Runtime's options; a graph that is optimised already needs no spec."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = engine.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # ALL is where the fast int8 and NCHWc layouts live: EXTENDED is 1.3 to 3 times slower.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.enable_cpu_mem_arena = engine.arena
    spinning = str(int(engine.spinning))
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    if spec is not None and may_saturate(spec):
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = _FATAL_ONLY
    return options


def may_saturate(spec: ModelSpec, root: Path | None = None) -> bool:
    """Whether the model's int8 products may be too large for this CPU: x86 without VNNI.

    It adds two of them in 16 bits. ONNX Runtime then has to take kernels for uint8 weights, exact
    and slower. Weights whose pairs were held to `SAFE_PAIR`, as `edgefeat-export` does unless told
    otherwise, need none of it.

    Args:
        spec: The model's spec.
        root: Of the file system with another machine's `/proc`.
    """
    quantization = spec.extra.get("quantization")
    limit = quantization.get("pair_limit") if isinstance(quantization, dict) else None
    if spec.precision != "int8" or (isinstance(limit, int) and limit <= SAFE_PAIR):
        return False
    if platform.machine() not in _X86:
        return False
    from edgefeat.machine import processor  # not needed for most models

    return not (processor(root) if root else processor()).int8_dot


def _with_work(session: ort.InferenceSession) -> tuple[str, ...]:
    """Return the providers in charge, without those that were given no operation at all."""
    names = [short(name) for name in session.get_providers()]
    if len(names) > 1 and hasattr(session, "get_provider_graph_assignment_info"):
        assigned = {short(part.ep_name) for part in session.get_provider_graph_assignment_info()}
        names = [name for name in names if name in assigned] or names
    return tuple(names)


def _check_running(
    running: Sequence[str], wanted: Sequence[str], strict: bool, missing: str
) -> None:
    if running[0] == wanted[0]:
        return
    why = (
        f"the provider's libraries are missing ({missing}). Install them, those of CUDA with "
        "`pip install 'onnxruntime-gpu[cuda,cudnn]'`"
        if missing
        else "the provider could not start, as when a driver is missing, or supports no part of "
        "this model"
    )
    message = f"asked for execution provider {wanted[0]!r}, but ONNX Runtime runs {running[0]!r}: "
    if strict:
        accept = f"Pass strict=False to accept {running[0]!r}."
        raise ProviderError(f"{message}{why}. {accept}")
    warnings.warn(f"{message}{why}", ProviderWarning, stacklevel=5)


def _check_signature(session: ort.InferenceSession, file: ModelFile) -> None:
    """The spec is a promise about the graph: hold the graph to it."""
    spec, where = file.spec, file.path
    inputs, outputs = session.get_inputs(), session.get_outputs()
    height, width = spec.input.size_hw
    _expect(where, "inputs", [spec.input.name], [i.name for i in inputs])
    _expect(where, "input type", "tensor(uint8)", inputs[0].type)
    shape = [height, width, spec.input.channels]
    _expect(where, "input shape after the batch axis", shape, list(inputs[0].shape[1:]))
    _expect(where, "outputs", [o.name for o in spec.outputs], [o.name for o in outputs])
    for described, real in zip(spec.outputs, outputs, strict=True):
        _expect(where, f"type of output {real.name!r}", "tensor(float)", real.type)
        what = f"shape of output {real.name!r} after the batch axis"
        _expect(where, what, list(described.shape), list(real.shape[1:]))


def _expect(where: str, what: str, expected: object, got: object) -> None:
    if expected != got:
        raise ModelError(
            f"{where}: {what}: the spec says {expected}, the graph has {got}. Export it again."
        )
