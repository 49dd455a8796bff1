"""What to build or to quantize, checked: options that nothing would use are refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgefeat.errors import OptionError
from edgefeat.options import checks
from edgefeat_export.cut.headless import Tap
from edgefeat_export.cut.reduction import Pca
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.precision import Precision
from edgefeat_export.proof.gates import Gates
from edgefeat_export.quant.search import UNLIMITED, CostLimits
from edgefeat_export.quant.targets import DEFAULT_TARGET, TARGETS, Target, target_named

__all__ = ["BuildRequest", "Int8Request", "Say", "network_of", "path_of", "precisions_of", "silent"]

Say = Callable[[str], None]
"""Takes a line of progress, without its line end."""
_DEFAULT_PRECISIONS = (Precision.FP32, Precision.INT8)


def silent(line: str) -> None:
    """Take a line of progress and do nothing with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Request:
    """What int8 is for and what it may cost.

    Attributes:
        target: The class of devices.
        limits: Largest size and latency.
    """

    target: Target = TARGETS[DEFAULT_TARGET]
    limits: CostLimits = UNLIMITED

    @classmethod
    def of(
        cls,
        target: str | Target | None,
        max_bytes: int | None,
        max_latency_ratio: float | None,
        *,
        precisions: Sequence[Precision] = (Precision.INT8,),
    ) -> Int8Request:
        """Return the request that options make.

        Args:
            target: A `Target` or its name; None takes the one that suits every CPU.
            max_bytes: Largest allowed model in bytes; None is no limit.
            max_latency_ratio: Longest allowed latency over the float model's; None is no limit.
            precisions: What is built.

        Raises:
            OptionError: A value makes no sense, or is given where int8 is not built.
        """
        options = {
            "target": target,
            "max_bytes": max_bytes,
            "max_latency_ratio": max_latency_ratio,
        }
        for name, value in options.items():
            if value is not None and Precision.INT8 not in precisions:
                raise OptionError(
                    f"it is for int8, but only {', '.join(precisions)} is built",
                    option=name,
                    remedy="Leave it out, or build int8 too.",
                )
        limits = CostLimits(
            size_bytes=None if max_bytes is None else checks.whole_number("max_bytes", max_bytes),
            latency_ratio=None
            if max_latency_ratio is None
            else checks.number("max_latency_ratio", max_latency_ratio),
        )
        if not isinstance(target, Target):
            target = target_named(target or DEFAULT_TARGET)
        return cls(target=target, limits=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build.

    Attributes:
        network: Which network.
        taps: Where features leave the network; the first is the primary output.
        take_first: Whether to cut at the first candidate where the end of the features is not sure.
        reduce: PCA on the primary output, fitted to the pictures of `calibrate`; None does without.
        l2: Whether the primary output is scaled to unit length.
        precisions: What files to make, at least one.
        may_leave_out: Precisions that the build goes on without where they miss their gates.
        gates: What each precision must reach.
        calibrate: Folder of pictures for int8 and PCA; None takes photos that packages ship.
        images: Folder of pictures to verify with; None takes crops of the shipped samples.
        rows: File of rows to measure on and to fit the PCA to, for a network that takes columns.
        max_text: How many characters a text may have, in a network that takes texts; None is 4096.
        output: Folder for the files.
        int8: What int8 is for and what it may cost.

    Raises:
        OptionError: Options do not fit together.
    """

    network: NetworkRequest
    taps: Sequence[Tap]
    take_first: bool
    reduce: Pca | None
    l2: bool
    precisions: Sequence[Precision]
    may_leave_out: Sequence[Precision]
    gates: Mapping[Precision, Gates]
    calibrate: Path | None
    images: Path | None
    rows: Path | None = None
    max_text: int | None = None
    output: Path
    int8: Int8Request

    def __post_init__(self) -> None:
        if self.calibrate and not (self.reduce or Precision.INT8 in self.precisions):
            raise OptionError(
                "expected int8 or a reduction to use these pictures, got neither",
                option="calibrate",
                remedy="Leave them out.",
            )
        if self.reduce is not None and self.calibrate is None and self.rows is None:
            raise OptionError(
                "a PCA needs a folder of your own pictures to be fitted to, got none",
                option="reduce",
                remedy="Give the folder that int8 is calibrated on, too; or, for a network that"
                " takes columns, a file of rows.",
            )


def network_of(network: str | os.PathLike[str] | NetworkRequest) -> NetworkRequest:
    """Return the request for a network that is given by name, by path or as a request."""
    if isinstance(network, NetworkRequest):
        return network
    return NetworkRequest(os.fspath(network))


def path_of(path: str | os.PathLike[str] | None) -> Path | None:
    """Return a path as `Path`; None stays None."""
    return None if path is None else Path(path)


def precisions_of(names: Sequence[str] | None) -> tuple[Precision, ...]:
    """Return precisions by their names, each once; None takes fp32 and int8.

    Raises:
        OptionError: One of them is unknown, or there is none.
    """
    if names is None:
        return _DEFAULT_PRECISIONS
    unknown = [name for name in names if name not in list(Precision)]
    if unknown or not names:
        raise OptionError(
            f"expected some of {','.join(Precision)}, got {unknown[0] if unknown else names!r}",
            option="precisions",
        )
    return tuple(dict.fromkeys(Precision(name) for name in names))
