"""Looks at what this device has: versions, CPU, providers, codecs, memory, heat.

It works without NumPy, OpenCV and ONNX Runtime, and says what to install: nothing that needs them
is imported before they are known to be whole.
"""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from edgefeat import __version__
from edgefeat.engine import cache
from edgefeat.engine.saturation import may_saturate
from edgefeat.errors import EdgefeatError
from edgefeat.host import machine, throttling
from edgefeat.installed.dependencies import (
    DEPENDENCIES,
    Dependency,
    Loaded,
    installed,
    load_all,
    pip_replace,
)
from edgefeat.installed.requirements import from_installation
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.shipped import default_model
from edgefeat.options.extractor import EngineOptions, ModelOptions

__all__ = ["ProviderReport", "Report", "examine"]

_OPENCV = "cv2"
_VERSION_NAMES = {"numpy": "numpy", "cv2": "opencv", "onnxruntime": "onnxruntime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """One execution provider.

    Args:
        name: Short name, such as `cuda`.
        works: Whether the model computes the right thing on it.
        detail: What the model's self-test said, or why there was none.
    """

    name: str
    works: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `edgefeat doctor` tells.

    Args:
        versions: Versions of edgefeat, of Python, of the three packages that edgefeat stands on
            (None where one cannot be loaded) and of the system.
        requirements: The versions of the three that edgefeat needs; empty if edgefeat was not
            installed as a package, so that nothing says them.
        cpu: Model, board, usable cores, instructions, and whether it has an int8 dot product.
        providers: Every execution provider; empty if one of the three cannot be used.
        codecs: Which picture formats are read; empty if one of the three cannot be used.
        memory: Bytes: the machine's `total`, what is `available`, and the `limit` of this process.
        temperatures_c: Thermal zones in degrees Celsius.
        throttled: Why the device is being slowed down at this moment.
        governors: The different frequency governors of the cores, such as `performance`.
        cache: The folder where optimised models are kept; None if nothing can be kept.
        model: The model's path; None if it cannot be used.
        signature: Who signed the model, where a key demands it; None where none does.
        problems: What should be put right, in whole sentences; empty if nothing.
        not_needed: What cannot be loaded here and is not needed for this model, such as `opencv`
            for one that takes rows only.
    """

    versions: dict[str, str | None]
    requirements: dict[str, str]
    cpu: dict[str, Any]
    providers: list[ProviderReport]
    codecs: dict[str, bool]
    memory: dict[str, int | None]
    temperatures_c: dict[str, float]
    throttled: list[str]
    governors: list[str]
    cache: str | None
    model: str | None
    signature: str | None = None
    problems: list[str] = field(default_factory=list)
    not_needed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def examine(
    model: str | None = None,
    *,
    verify_key: str | None = None,
    signature: str | bytes | None = None,
) -> Report:
    """Examine this device with a model, by default the shipped one.

    Every provider is opened in turn and runs the model's self-test on it.

    Args:
        model: The model file.
        verify_key: The public key that must have signed it; see `FeatureExtractor`.
        signature: The file's signature; None takes the one beside it.
    """
    asked = ModelOptions.of(model=model, verify_key=verify_key, signature=signature)
    loaded = load_all()
    needed = from_installation()
    without = [] if _takes_pictures(asked) or loaded[_OPENCV][1] is None else [_OPENCV]
    wanted = {module: found for module, found in loaded.items() if module not in without}
    problems = _faults(wanted, needed)
    providers: list[ProviderReport] = []
    usable = not any(fault for _, fault in wanted.values())
    if usable:
        providers = _providers(asked, problems)
    failed = providers and not any(provider.works for provider in providers)
    if failed:
        problems.append("No execution provider passes the model's self-test.")
    usable_model = None if failed else _usable_model(asked, problems)
    signed = None if usable_model is None else usable_model.signed
    throttled = throttling.throttled_now()
    problems += [f"The device is being slowed down: {reason}." for reason in throttled]
    return Report(
        versions=_versions(loaded),
        requirements={
            package: needed[package]
            for package in (one.distributions[0] for one in DEPENDENCIES)
            if package in needed
        },
        cpu=_cpu(),
        providers=providers,
        codecs=_codecs() if usable and not without else {},
        memory=_memory(),
        temperatures_c=throttling.temperatures_c(),
        throttled=list(throttled),
        governors=list(throttling.governors()),
        cache=_cache(),
        model=None if usable_model is None else usable_model.path,
        signature=None if signed is None else str(signed),
        problems=problems,
        not_needed=[_VERSION_NAMES[module] for module in without],
    )


def _takes_pictures(asked: ModelOptions) -> bool:
    """Return whether a model takes pictures, which OpenCV reads; one that is no model may."""
    try:
        return asked.model is None or _file(asked).spec.picture is not None
    except EdgefeatError:
        return True


def _faults(loaded: dict[str, Loaded], needed: dict[str, str]) -> list[str]:
    """Return what is wrong with the three; packages that overwrite each other come first."""
    problems = [
        problem for one in DEPENDENCIES if one.module in loaded for problem in _clashes(one, needed)
    ]
    clashing = {one.module for one in DEPENDENCIES if len(installed(one)) > 1}
    problems += [
        str(fault) for module, (_, fault) in loaded.items() if fault and module not in clashing
    ]
    return problems


def _clashes(one: Dependency, needed: dict[str, str]) -> list[str]:
    """Return what to do about packages that overwrite each other's files."""
    builds = [f"{name} {version}" for name, version in installed(one).items()]
    if len(builds) < 2:
        return []
    return [
        f"{' and '.join(builds)} install the same module, {one.module}, and break each other. Run "
        f"{pip_replace(one, needed)}, or install the one build that you need."
    ]


def _file(asked: ModelOptions) -> ModelFile:
    return read_model_file(
        asked.model or default_model(), verify_key=asked.verify_key, signature=asked.signature
    )


def _usable_model(asked: ModelOptions, problems: list[str]) -> ModelFile | None:
    """Return the model if the file is sound, and add what is wrong with it to `problems`."""
    try:
        file = _file(asked)
        slower = may_saturate(file.spec)
    except EdgefeatError as error:
        problems.append(str(error))
        return None
    if slower:
        problems.append(
            "The model's int8 weights are for other CPUs: exact here, but slower than those that "
            "`edgefeat-export` makes with `--target any`."
        )
    return file


def _versions(loaded: dict[str, Loaded]) -> dict[str, str | None]:
    return {
        "edgefeat": __version__,
        "python": platform.python_version(),
        **{_VERSION_NAMES[module]: version for module, (version, _) in loaded.items()},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _providers(asked: ModelOptions, problems: list[str]) -> list[ProviderReport]:
    from edgefeat.engine.providers import offered, without_device

    try:
        names, not_offered = list(offered()), without_device()
    except EdgefeatError as error:  # a broken plugin hides no other provider
        problems.append(str(error))
        names, not_offered = list(offered(plugins=False)), {}
    return [
        *(_try_provider(name, asked) for name in names),
        *(ProviderReport(name=n, works=False, detail=why) for n, why in not_offered.items()),
    ]


def _try_provider(name: str, asked: ModelOptions) -> ProviderReport:
    from edgefeat.extractor import FeatureExtractor

    try:
        model = replace(asked, outputs=("features",))
        engine = EngineOptions.of(providers=name, cache=False)
        with FeatureExtractor.from_options(model, engine) as extractor:
            result = extractor.self_test()  # the file is read now and checked in full
    except EdgefeatError as error:
        return ProviderReport(name=name, works=False, detail=str(error))
    return ProviderReport(name=name, works=result.passed, detail=result.describe())


def _cpu() -> dict[str, Any]:
    cpu = machine.processor()
    return {
        "model": cpu.model,
        "board": cpu.board,
        "cores_usable": cpu.logical_cores,
        "features": list(cpu.flags),
        "int8_dot": cpu.int8_dot,
    }


def _codecs() -> dict[str, bool]:
    """Return which formats are read here, found out by reading one of each."""
    from edgefeat.pictures.codecs import formats_read

    return {str(kind): there for kind, there in formats_read().items()}


def _memory() -> dict[str, int | None]:
    """Bytes of memory: the machine's, what is free, and the limit set on this process."""
    return {
        "total": machine.memory_total_bytes(),
        "available": machine.memory_available_bytes(),
        "limit": machine.memory_limit_bytes(),
    }


def _cache() -> str | None:
    """Return the folder where optimised models are kept, if a file can be written there."""
    with cache.saving("doctor", __version__) as place:  # nothing is written, so nothing stays
        return cache.cache_folder() if place else None
