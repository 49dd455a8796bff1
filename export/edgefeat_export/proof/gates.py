"""What the features of each precision must reach before their file may exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Final

from edgefeat.model.spec import Parity
from edgefeat_export.errors import VerificationError

__all__ = ["GATES", "Gates", "Miss", "misses", "parse_gate", "require"]


_UPPER: Final = ("relative_l2_max", "size_bytes", "latency_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Limits on `Parity`. `relative_l2_max` is an upper one, the rest are lower; None is not asked.

    Attributes:
        relative_l2_max: |ours - Keras| / |Keras| on the worst image.
        cosine_mean: Mean cosine to Keras's features.
        cosine_p1: The cosine that 99 of 100 images reach; needs 100 images to be known.
        cosine_min: The worst image's cosine.
        neighbour_overlap_10: Shared share of the ten nearest neighbours; needs 20 images.
    """

    relative_l2_max: float | None = None
    cosine_mean: float | None = None
    cosine_p1: float | None = None
    cosine_min: float | None = None
    neighbour_overlap_10: float | None = None


GATES: Final[Mapping[str, Gates]] = MappingProxyType(
    {
        "fp32": Gates(relative_l2_max=1e-5, cosine_mean=0.999999, cosine_min=0.999999),
        "fp16": Gates(relative_l2_max=5e-2, cosine_mean=0.9999, cosine_min=0.999),
        "int8": Gates(relative_l2_max=0.6, cosine_mean=0.98, cosine_min=0.9),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One missed gate; `got` None where too few images were given to know."""

    output: str
    gate: str
    needed: float
    got: float | None

    def __str__(self) -> str:
        if self.got is None:
            return f"{self.output}: {self.gate} is asked for but takes more images to know"
        word = "allowed" if self.gate in _UPPER else "needed"
        return f"{self.output}: {self.gate} {self.got:.7g}, {word} {self.needed:.7g}"


def misses(output: str, measured: object, gates: Gates) -> Iterator[Miss]:
    """Give the gates that figures miss.

    Args:
        output: Whose they are.
        measured: `Parity`, or other figures by the same names.
        gates: Held against them.
    """
    for field in fields(Gates):
        needed: float | None = getattr(gates, field.name)
        if needed is None:
            continue
        got: float | None = getattr(measured, field.name)
        if got is None or not (got <= needed if field.name in _UPPER else got >= needed):
            yield Miss(output=output, gate=field.name, needed=needed, got=got)


def require(parities: Mapping[str, Parity], gates: Gates, what: str) -> None:
    """Refuse a file that misses its gates.

    Args:
        parities: What was measured for each output.
        gates: Held against every one of them.
        what: The file's name, for the message.

    Raises:
        VerificationError: Names every gate that was missed, with the figures.
    """
    missed = [miss for name, parity in parities.items() for miss in misses(name, parity, gates)]
    if missed:
        images = next(iter(parities.values())).images
        raise VerificationError(
            f"{what}: its features are not Keras's on {images} images: "
            f"{'; '.join(map(str, missed))}. --gate changes a limit.",
            reasons=[asdict(miss) for miss in missed],
        )


def parse_gate(text: str, gates: Mapping[str, Gates]) -> Mapping[str, Gates]:
    """Change one gate as `int8.cosine_mean=0.97` says; `none` takes it away.

    Raises:
        ValueError: No such precision or gate, or not a number.
    """
    path, _, value = text.partition("=")
    precision, _, name = path.partition(".")
    names = [field.name for field in fields(Gates)]
    if precision not in gates or name not in names:
        raise ValueError(
            f"expected PRECISION.GATE=NUMBER with one of {', '.join(gates)} and one of"
            f" {', '.join(names)}, got {text!r}"
        )
    limit = None if value == "none" else float(value)
    return {**gates, precision: replace(gates[precision], **{name: limit})}
