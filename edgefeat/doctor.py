"""Looks at what this device has: versions, CPU, providers, codecs, memory, heat."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgefeat import __version__, optimised
from edgefeat.errors import EdgefeatError
from edgefeat.extractor import FeatureExtractor
from edgefeat.providers import offered

__all__ = ["ProviderReport", "Report", "examine"]

_ENGINES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
_OPENCVS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
# What fast integer kernels need, as the kernel names them in /proc/cpuinfo.
_CPU_FEATURES = (
    *("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"),
    *("asimd", "asimddp", "i8mm", "fphp", "sve"),
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
    thermal: dict[str, float]
    governor: str | None
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
        with FeatureExtractor(model) as extractor:
            path = str(extractor.path)
    else:
        problems.append("no execution provider passes the model's self-test")
    folder = optimised.cache_folder()
    return Report(
        versions=_versions(),
        cpu=_cpu(),
        providers=providers,
        codecs=_codecs(),
        memory=_memory(),
        thermal=_thermal(),
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        cache=folder if folder and os.access(_existing(Path(folder)), os.W_OK) else None,
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
        names = list(offered())
    except EdgefeatError as error:  # a broken plugin hides no other provider
        problems.append(str(error))
        names = list(offered(plugins=False))
    return [_try_provider(name, model) for name in names]


def _try_provider(name: str, model: str | None) -> ProviderReport:
    try:
        with FeatureExtractor(model, providers=[name, "cpu"] if name != "cpu" else "cpu") as fx:
            result = fx.self_test()
    except EdgefeatError as error:
        return ProviderReport(name=name, works=False, detail=str(error))
    return ProviderReport(name=name, works=result.passed, detail=result.describe())


def _cpu() -> dict[str, Any]:
    text = _read("/proc/cpuinfo") or ""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "model": fields.get("model name") or _read("/proc/device-tree/model") or "unknown",
        "cores_usable": usable,
        "features": [name for name in _CPU_FEATURES if name in flags],
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
    """Bytes of memory: the machine's, what is free, and the limit set on this process's group."""
    fields = dict(line.split(":") for line in (_read("/proc/meminfo") or "").splitlines())
    kib = {key: int(value.split()[0]) * 1024 for key, value in fields.items()}
    return {
        "total": kib.get("MemTotal"),
        "available": kib.get("MemAvailable"),
        "limit": _memory_limit(kib.get("MemTotal", sys.maxsize)),
    }


def _memory_limit(total: int) -> int | None:
    """Return the smallest limit: cgroup v2's, v1's, or the address-space limit."""
    limits = []
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _read(path)
        if text and text.isdecimal():
            limits.append(int(text))
    with suppress(ImportError):
        import resource

        limits += [n for n in resource.getrlimit(resource.RLIMIT_AS)[:1] if n > 0]
    return min((limit for limit in limits if limit < total), default=None)


def _thermal() -> dict[str, float]:
    """Degrees Celsius by sensor."""
    found = {}
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        kind, degrees = _read(zone / "type"), _read(zone / "temp")
        if kind and degrees and degrees.lstrip("-").isdecimal():
            found[f"{zone.name} {kind}"] = int(degrees) / 1000
    return found


def _read(path: str | Path) -> str | None:
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next((p for p in (folder, *folder.parents) if p.exists()), Path("/"))
