"""What came of `build`, `quantize` and `verify`: files, and what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgefeat.model.spec import ModelSpec, Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.precision import Precision

__all__ = ["BuildResult", "FinishedFile", "QuantizedFile", "VerifiedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedFile:
    """A model file that holds its gates.

    Attributes:
        path: Place of the file.
        spec: What the file says of itself.
        size_bytes: Length of the file.
        parities: What was measured of each output, by its name; the primary output comes first.
    """

    path: Path
    spec: ModelSpec
    size_bytes: int
    parities: Mapping[str, Parity]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What `build` made.

    Attributes:
        files: One file for each precision that was built, in the order asked for.
        left_out: Why a precision that nobody asked for by name is not there.
        card: The model card: how to use the files, and how good they are.
    """

    files: tuple[FinishedFile, ...]
    left_out: Mapping[Precision, VerificationError]
    card: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedFile(FinishedFile):
    """What `quantize` made. Its parities are to the float file, whose own are to Keras.

    Attributes:
        float_size_bytes: Size of the float file.
        kept_float: Names of the layers that stayed in float.
        report: The report page; None if none was asked for.
    """

    float_size_bytes: int
    kept_float: tuple[str, ...]
    report: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFile(FinishedFile):
    """What `verify` found.

    Attributes:
        same_weights: Whether the network's weights are those that the file was made from.
    """

    same_weights: bool
