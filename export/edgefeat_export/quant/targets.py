"""What the device's integer kernels can take, and the choice that `edgefeat doctor` makes for one.

x86 CPUs without VNNI multiply bytes in pairs and add both products in 16 bits, which hold up to
32,767. Activations go up to 255. So two neighbouring weights of the same sign may add up to at most
128 (255 * 128 = 32,640): then every CPU computes the same sums. A file with larger pairs is exact
there too, but slower: the runtime then makes ONNX Runtime use other kernels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from edgefeat.engine.saturation import SAFE_PAIR
from edgefeat.errors import OptionError
from edgefeat_export.errors import ExportError

__all__ = ["DEFAULT_TARGET", "TARGETS", "Target", "target_for", "target_named"]

_LARGEST_INT8 = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A class of devices.

    Attributes:
        name: Name in the command line and in the spec.
        weight_limit: Largest magnitude of an int8 weight.
        pair_limit: Largest magnitude of the sum of two neighbouring weights of one sign.
        why: One sentence for people.
    """

    name: str
    weight_limit: int = _LARGEST_INT8
    pair_limit: int = 2 * _LARGEST_INT8
    why: str


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(
                name="any",
                pair_limit=SAFE_PAIR,
                why="every CPU computes the same bits, fast: pairs of weights stay within 128",
            ),
            Target(
                name="x86-vnni",
                why="32-bit sums (AVX-512 VNNI, AVX-VNNI): weights use all of int8",
            ),
            Target(
                name="x86",
                pair_limit=SAFE_PAIR,
                why="16-bit sums of two products (AVX2, AVX-512): pairs of weights stay within 128",
            ),
            Target(
                name="arm64-dot",
                why="32-bit sums (dot product instructions): weights use all of int8",
            ),
            Target(
                name="arm64",
                why="products widened before they are added: weights use all of int8",
            ),
        )
    }
)
DEFAULT_TARGET: Final = "any"


def target_named(text: str) -> Target:
    """Return a preset, or the one for the device whose `edgefeat doctor --json` is in a file.

    Args:
        text: A preset's name, or `auto:FILE`.

    Raises:
        OptionError: It is neither.
        ExportError: The file is no such report.
    """
    if text.startswith("auto:"):
        return target_for(_report(Path(text.removeprefix("auto:"))))
    if text not in TARGETS:
        raise OptionError(
            f"expected one of {', '.join(TARGETS)}, or auto:FILE with the output of"
            f" `edgefeat doctor --json` on the device, got {text!r}",
            option="target",
        )
    return TARGETS[text]


def target_for(report: Mapping[str, Any]) -> Target:
    """Return the preset for a device.

    Args:
        report: What `edgefeat doctor --json` prints there.

    Raises:
        ExportError: It does not say what the CPU is.
    """
    cpu, versions = report.get("cpu"), report.get("versions")
    features = cpu.get("features") if isinstance(cpu, Mapping) else None
    system = versions.get("system") if isinstance(versions, Mapping) else None
    if not isinstance(features, list) or not isinstance(system, str):
        raise ExportError(
            "expected cpu.features and versions.system, as `edgefeat doctor --json` prints them",
            where="device report",
            remedy="Run it on the device again, or name the {option} yourself.",
            option="target",
        )
    machine = system.split()[-1].lower() if system.split() else ""
    if machine in ("aarch64", "arm64"):
        return TARGETS["arm64-dot" if "asimddp" in features else "arm64"]
    if machine in ("x86_64", "amd64"):
        return TARGETS["x86-vnni" if {"avx512_vnni", "avx_vnni"} & {*features} else "x86"]
    raise ExportError(
        f"there is no target for a {machine!r} CPU",
        where="device report",
        remedy=f"Choose one of {', '.join(TARGETS)} with {{option}}.",
        option="target",
    )


def _report(path: Path) -> Mapping[str, Any]:
    try:
        report = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ExportError(
            f"expected the output of `edgefeat doctor --json`, got {error}",
            where=path,
            remedy="Run it on the device again, or choose a {option} by name.",
            option="target",
        ) from error
    return report if isinstance(report, Mapping) else {}
