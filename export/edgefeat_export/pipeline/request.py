"""What to build, and what came of it: the two ends of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgefeat.model.spec import ModelSpec
from edgefeat_export.cut.headless import Tap
from edgefeat_export.cut.reduction import Pca
from edgefeat_export.graph.precisions import PRECISIONS
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.proof.gates import GATES, Gates
from edgefeat_export.quant.search import UNLIMITED, Limits
from edgefeat_export.quant.targets import DEFAULT_TARGET, TARGETS, Target

__all__ = ["BuildRequest", "Built", "NetworkRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """Which network.

    Attributes:
        name: A backbone from the catalogue, or the path of a saved model.
        weights: `imagenet`, `none` or a weights file; for a backbone only.
        size_hw: Input size; None takes the network's own.
        alpha: Width multiplier, where the family has one.
        minimalistic: The plain variant of MobileNetV3.
        normalisation: What a saved model expects of a pixel; None if it scales 0..255 itself.
        title: Name of a saved model's export; None takes the file's.
        licence: Of a saved model's weights.
        allow_code: Whether code inside a saved model may run.
        code: A Python file with a saved model's own classes.
    """

    name: str
    weights: str | Path = "imagenet"
    size_hw: tuple[int, int] | None = None
    alpha: float | None = None
    minimalistic: bool = False
    normalisation: Normalisation | None = None
    title: str | None = None
    licence: str | None = None
    allow_code: bool = False
    code: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build.

    Attributes:
        network: Which network.
        taps: Where features leave the network; the first is the primary output.
        reduce: PCA on the primary output, fitted to the pictures of `calibration`.
        l2: Whether the primary output is scaled to unit length.
        precisions: Some of `PRECISIONS`.
        gates: What each precision must reach.
        calibration: Folder of pictures for int8 and PCA; None takes crops of the shipped samples.
        images: Folder of pictures to verify with; None takes other crops of the samples.
        target: The class of devices that int8 is for.
        limits: What int8 may cost.
        may_leave_out: Precisions that the build goes on without where their gates are missed.
        output: Folder for the files.
    """

    network: NetworkRequest
    taps: Sequence[Tap] = (Tap(),)
    reduce: Pca | None = None
    l2: bool = False
    precisions: Sequence[str] = ("fp32", "int8")
    gates: Mapping[str, Gates] = field(default_factory=lambda: GATES)
    calibration: Path | None = None
    images: Path | None = None
    output: Path = Path("models")
    target: Target = TARGETS[DEFAULT_TARGET]
    limits: Limits = UNLIMITED
    may_leave_out: Sequence[str] = ()
    calibration_images: int = 128
    verification_images: int = 100

    def __post_init__(self) -> None:
        unknown = [name for name in self.precisions if name not in PRECISIONS]
        if unknown or not self.precisions:
            raise ValueError(f"precisions: expected some of {', '.join(PRECISIONS)}, got {unknown}")
        if self.calibration and not (self.reduce or "int8" in self.precisions):
            raise ValueError(
                "calibration: expected int8 or reduce to use these pictures, got neither; leave"
                " them out"
            )
        if self.reduce is not None and self.calibration is None:
            raise ValueError(
                "reduce: expected a folder of your own pictures as calibration to fit the PCA to,"
                " got none"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One finished file."""

    path: Path
    spec: ModelSpec
    size_bytes: int
