"""Looks at what this device has: versions, CPU, providers, codecs, memory, heat."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

import cv2
import numpy as np

from edgefeat import __version__, machine
from edgefeat.engine import cache
from edgefeat.engine.providers import offered, without_device
from edgefeat.engine.saturation import may_saturate
from edgefeat.errors import EdgefeatError
from edgefeat.extractor import FeatureExtractor
from edgefeat.model.file import read_model_file
from edgefeat.model.shipped import default_model

__all__ = ["ProviderReport", "Report", "examine"]

_ENGINES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
_OPENCVS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """One execution provider and whether the model computes the right thing on it."""

    name: str
    works: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `edgefeat doctor` tells. `problems` is what should be put right, empty if nothing."""

    versions: dict[str, str]
    cpu: dict[str, Any]
    providers: list[ProviderReport]
    codecs: dict[str, bool]
    memory: dict[str, int | None]
    temperatures_c: dict[str, float]
    throttled: list[str]
    governors: list[str]
    cache: str | None
    model: str | None
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def examine(model: str | None = None) -> Report:
    """Examine this device with a model, by default the shipped one.

    Every provider is opened in turn and runs the model's self-test on it.
    """
    problems = [*_clashes(_ENGINES, "onnxruntime"), *_clashes(_OPENCVS, "cv2")]
    providers = _providers(model, problems)
    path = None
    if any(provider.works for provider in providers):
        path = model or default_model()
        if may_saturate(read_model_file(path).spec):
            problems.append(
                "the model's int8 weights are for other CPUs: exact here, but slower than those "
                "that `edgefeat-export` makes with `--target any`"
            )
    else:
        problems.append("no execution provider passes the model's self-test")
    throttled = machine.throttled_now()
    problems += [f"the device is being slowed down: {reason}" for reason in throttled]
    return Report(
        versions=_versions(),
        cpu=_cpu(),
        providers=providers,
        codecs=_codecs(),
        memory=_memory(),
        temperatures_c=machine.temperatures_c(),
        throttled=list(throttled),
        governors=list(machine.governors()),
        cache=_cache(),
        model=path,
        problems=problems,
    )


def _versions() -> dict[str, str]:
    import onnxruntime

    return {
        "edgefeat": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "opencv": cv2.__version__,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _clashes(packages: Iterable[str], module: str) -> list[str]:
    """Packages that install the same module overwrite each other's files."""
    installed = []
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            installed.append(f"{name} {metadata.version(name)}")
    if len(installed) < 2:
        return []
    names = " ".join(text.split()[0] for text in installed)
    return [
        f"{' and '.join(installed)} both install the module {module} and break each other. "
        f"Run `pip uninstall {names}`, then install the one you need."
    ]


def _providers(model: str | None, problems: list[str]) -> list[ProviderReport]:
    try:
        names, not_offered = list(offered()), without_device()
    except EdgefeatError as error:  # a broken plugin hides no other provider
        problems.append(str(error))
        names, not_offered = list(offered(plugins=False)), {}
    return [
        *(_try_provider(name, model) for name in names),
        *(ProviderReport(name=n, works=False, detail=why) for n, why in not_offered.items()),
    ]


def _try_provider(name: str, model: str | None) -> ProviderReport:
    try:
        names = [name, "cpu"] if name != "cpu" else "cpu"
        with FeatureExtractor(model, outputs="features", providers=names, cache=False) as extractor:
            result = extractor.self_test()  # of the file as it is now, read and checked in full
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
    """Which formats this OpenCV reads, found out by reading one of each."""
    pixel = np.zeros((8, 8, 3), np.uint8)
    works = {}
    for name in ("jpg", "png", "webp", "tiff", "bmp", "gif", "ppm"):
        try:
            data = cv2.imencode(f".{name}", pixel)[1]
            works[name] = cv2.imdecode(data, cv2.IMREAD_COLOR) is not None
        except cv2.error:
            works[name] = False
    return works


def _memory() -> dict[str, int | None]:
    """Bytes of memory: the machine's, what is free, and the limit set on this process."""
    return {
        "total": machine.memory_total_bytes(),
        "available": machine.memory_available_bytes(),
        "limit": machine.memory_limit_bytes(),
    }


def _cache() -> str | None:
    """Return the folder where optimised models are kept, found out by going to keep one."""
    with cache.saving("doctor", __version__) as place:  # nothing is written, so nothing stays
        return cache.cache_folder() if place else None
