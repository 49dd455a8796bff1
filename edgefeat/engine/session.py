"""Opens a model in ONNX Runtime on the asked providers, checks what really runs, and runs it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from edgefeat.engine import cache
from edgefeat.engine.cpu import (
    ORT_ERRORS,
    InferenceSession,
    open_session,
    reason,
    session_options,
)
from edgefeat.engine.providers import Provider, find, offered, short
from edgefeat.engine.saturation import may_saturate
from edgefeat.errors import ModelError, ProviderError, ProviderWarning
from edgefeat.installed.requirements import loaded_too_old
from edgefeat.model.columns import UNSEEN_OUTPUT
from edgefeat.options.extractor import EngineOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgefeat.arrays import Features, Pixels
    from edgefeat.model.file import ModelFile

__all__ = ["Session", "available_providers"]

_CPU = "cpu"
_RECORD_ASSIGNMENTS = "session.record_ep_graph_assignment_info"


def available_providers() -> tuple[str, ...]:
    """Return the short names (`cpu`, `cuda`, ...) that can be asked for here."""
    return tuple(offered())


class Session:
    """A model opened for inference; safe to run from several threads at once.

    Args:
        file: The model.
        providers: Short names of execution providers, the preferred one first.
        strict: If true, raise ProviderError unless the first provider is the one that runs.
        engine: Threads and memory of ONNX Runtime.
    """

    def __init__(
        self, file: ModelFile, *, providers: Sequence[str], strict: bool, engine: EngineOptions
    ) -> None:
        if (old := loaded_too_old()) is not None:
            from edgefeat.installed.dependencies import too_old

            raise too_old(*old)
        wanted = find(providers)
        self._where, first, lacking = file.path, wanted[0].name, ""
        if first != _CPU:
            wanted, lacking = _able(wanted, strict=strict)
        if wanted[0].name == _CPU:
            self._session = _open_on_cpu(file, engine)
        else:
            self._session = _open(file, wanted, engine, strict=strict)
        self.providers = _with_work(self._session)
        if self.providers[0] != first:
            _refuse_or_warn(first, self.providers[0], lacking, strict=strict)
        self._spec = file.spec
        self._input = file.spec.graph_input[0] if file.spec.picture is not None else ""
        self._one_at_a_time = file.spec.frame is not None  # a bundle's frames are large
        self._outputs = [output.name for output in file.spec.features]
        _check_signature(self._session, file)
        if self.providers[0] != _CPU:  # kernels are chosen and memory taken now, not for a picture
            picture = {}
            if self._input:
                picture = {self._input: np.zeros((1, *file.spec.graph_input[1]), np.uint8)}
            self.compute(self._outputs[:1], picture)

    @property
    def counts_unseen(self) -> bool:
        """Whether the graph counts unseen categories, in the output `UNSEEN_OUTPUT`."""
        return bool(self._spec.columns) and self._session.get_outputs()[-1].name == UNSEEN_OUTPUT

    def run(self, images: Pixels) -> dict[str, Features]:
        """Run the graph.

        Args:
            images: uint8 `(N, height, width, channels)`.

        Returns:
            Every output that is features, by name: float32 `(N, ...)`.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        found = self.compute(self._outputs, {self._input: images})
        return dict(zip(self._outputs, found, strict=True))

    def run_primary(self, images: Pixels) -> Features:
        """Run the graph and return only the primary output: float32 `(N, ...)`."""
        result: Features = self.compute(self._outputs[:1], {self._input: images})[0]
        return result

    def compute(self, outputs: Sequence[str], feed: dict[str, NDArray[Any]]) -> list[Any]:
        """Run the graph and return some of its outputs, with the batch axis.

        Args:
            outputs: Their names.
            feed: The graph's inputs by name, `(N, ...)` each: uint8 pictures, float32, float64,
                int64 or object columns. Columns that are left out get values
                of no meaning, for outputs that do not depend on them.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        if self._one_at_a_time and len(feed[self._input]) > 1:
            rows = [
                self.compute(outputs, {self._input: one[np.newaxis]}) for one in feed[self._input]
            ]
            return [np.concatenate(parts) for parts in zip(*rows, strict=True)]
        for column in self._spec.columns:
            if column.name not in feed:
                from edgefeat.model.probe_rows import neutral

                count = len(next(iter(feed.values()))) if feed else 1
                feed = {**feed, **neutral(column, count)}
        try:
            results: list[Any] = self._session.run(list(outputs), feed)
        except ORT_ERRORS as error:
            raise ModelError(
                f"inference failed: {reason(error)}",
                where=self._where,
                remedy="Run `edgefeat doctor`.",
            ) from error
        return results


def _open_on_cpu(file: ModelFile, engine: EngineOptions) -> InferenceSession:
    """Open the optimised form of an earlier start, or optimise now and keep the result."""
    version = ort.__version__
    cached = cache.find(file.identity, version) if engine.cache else None
    if cached is not None:
        options = _options(engine, optimise=False)
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
        try:
            return open_session(cached, options)
        except ORT_ERRORS:  # removed in between, or made by another build of the same version
            pass
    model = file.for_engine()
    place = cache.saving(file.identity, version) if engine.cache else nullcontext()
    try:
        with place as path:
            options = _options(engine, file)
            if path is not None:
                options.optimized_model_filepath = path
                if cache.is_mapped(version):
                    options.add_session_config_entry("session.save_model_format", "ORT")
            session = open_session(model, options)
            if cached is not None:  # the original file opens, so the cached copy is broken
                cache.remove(file.identity, version)
            return session
    except ORT_ERRORS as error:
        if not engine.cache:
            raise _cannot_open(file, error) from error
    try:  # the cache's disk may be full: that must not stop the model
        return open_session(model, _options(engine, file))
    except ORT_ERRORS as error:
        raise _cannot_open(file, error) from error


def _open(
    file: ModelFile, wanted: Sequence[Provider], engine: EngineOptions, *, strict: bool
) -> InferenceSession:
    options = _options(engine, file)
    options.add_session_config_entry(_RECORD_ASSIGNMENTS, "1")
    pairs: list[Any] | None = None
    try:
        if any(provider.devices for provider in wanted):  # a plugin's, named in the options
            for provider in wanted:
                if provider.devices:
                    options.add_provider_for_devices(list(provider.devices[:1]), provider.options)
                else:
                    options.add_provider(provider.full_name, provider.options)
        else:
            pairs = [(provider.full_name, provider.options) for provider in wanted]
        return open_session(file.for_engine(), options, providers=pairs)
    except ORT_ERRORS as error:
        first = wanted[0].name
        if not strict and any(provider.name == _CPU for provider in wanted):
            return _open_on_cpu(file, engine)
        raise ProviderError(
            f"execution provider {first!r} cannot run this model here: {reason(error)}",
            where=file.path,
            remedy="Ask for another provider, or run `edgefeat doctor`.",
        ) from error


def _options(
    engine: EngineOptions, file: ModelFile | None = None, *, optimise: bool = True
) -> ort.SessionOptions:
    """Return ONNX Runtime's options; a graph that is optimised already needs no model file."""
    return session_options(
        threads=engine.threads,
        spinning=engine.spinning,
        arena=engine.arena,
        optimise=optimise,
        exact_int8=file is not None and may_saturate(file.spec),
    )


def _cannot_open(file: ModelFile, error: Exception) -> ModelError:
    return ModelError(
        f"ONNX Runtime cannot open it: {reason(error)}",
        where=file.path,
        remedy="Run `edgefeat doctor`, or export the model again.",
    )


def _with_work(session: InferenceSession) -> tuple[str, ...]:
    """Return the providers in charge, without those that were given no operation at all."""
    names = [short(name) for name in session.get_providers()]
    if len(names) > 1 and hasattr(session, "get_provider_graph_assignment_info"):
        assigned = {short(part.ep_name) for part in session.get_provider_graph_assignment_info()}
        names = [name for name in names if name in assigned] or names
    return tuple(names)


def _able(wanted: list[Provider], *, strict: bool) -> tuple[list[Provider], str]:
    """Return the providers that have their libraries, and the library that the first one lacks.

    Raises:
        ProviderError: The first one lacks one, and nothing else is accepted or asked for.
    """
    from edgefeat.engine.libraries import absent_libraries

    absent = absent_libraries(wanted)
    able = [provider for provider in wanted if provider.name not in absent]
    first = wanted[0].name
    if first in absent and (strict or not able):
        _refuse_or_warn(first, able[0].name if able else "", absent[first], strict=True)
    return able, absent.get(first, "")


def _refuse_or_warn(first: str, instead: str, lacking: str, *, strict: bool) -> None:
    """Say that the provider asked for first does not run.

    Args:
        first: The short name of that provider, such as `cuda`.
        instead: What runs in its place, or would; empty if nothing would.
        lacking: The library that it lacks, if that is the reason.
        strict: Whether to raise.

    Raises:
        ProviderError: `strict` is true.
    """
    from edgefeat.engine.libraries import how_to_get

    remedy = how_to_get(lacking) if lacking else ""
    if lacking:
        why = f"the library {lacking} is not here"
    else:
        why = "its device or driver is missing, or it supports no part of this model"
    problem = f"execution provider {first!r} does not run: {why}"
    if strict and instead:
        accept = f"{remedy} Pass {{option}} to accept {instead!r}.".strip()
        raise ProviderError(problem, remedy=accept, option="strict=False")
    error = ProviderError(problem, remedy=remedy or None)
    if strict:
        raise error
    from edgefeat.messages.warn import warn_caller

    warn_caller(f"{error} The features come from {instead!r}.", ProviderWarning)


def _check_signature(session: InferenceSession, file: ModelFile) -> None:
    """Raise ModelError unless the graph's inputs and outputs are those that the spec promises."""
    spec, where = file.spec, file.path
    inputs, outputs = session.get_inputs(), list(session.get_outputs())
    if spec.columns and outputs and outputs[-1].name == UNSEEN_OUTPUT:
        _expect(where, f"type of output {UNSEEN_OUTPUT!r}", "tensor(int64)", outputs.pop().type)
    _expect(where, "inputs", list(spec.graph_inputs), [i.name for i in inputs])
    for (kind, shape), got in zip(spec.graph_inputs.values(), inputs, strict=True):
        of = "input" if len(inputs) == 1 else f"input {got.name!r}:"
        _expect(where, f"{of} type", kind, got.type)
        _expect(where, f"{of} shape after the batch axis", list(shape), list(got.shape[1:]))
    _expect(where, "outputs", [o.name for o in spec.outputs], [o.name for o in outputs])
    for described, real in zip(spec.outputs, outputs, strict=True):
        _expect(where, f"type of output {real.name!r}", described.tensor_type, real.type)
        what = f"shape of output {real.name!r} after the batch axis"
        _expect(where, what, list(described.shape), list(real.shape[1:]))


def _expect(where: str, what: str, expected: object, got: object) -> None:
    if expected != got:
        raise ModelError(
            f"the spec says {expected}, the graph has {got}",
            where=what,
            remedy="Export it again.",
        ).within(where)
