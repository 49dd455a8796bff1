"""What the features of each precision must reach before their file may exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Final

from edgefeat.errors import OptionError
from edgefeat.model.spec import Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.precision import Precision

__all__ = ["GATES", "Gates", "Miss", "changed", "misses", "require"]

_UPPER: Final = ("relative_l2_max", "size_bytes", "latency_ratio")  # other gates are lower limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Limits on the figures of a comparison; None asks nothing.

    Attributes:
        relative_l2_max: Largest |ours - reference| / |reference| on the worst picture.
        cosine_mean: Smallest mean cosine to the reference's features.
        cosine_p1: Smallest cosine that 99 of 100 pictures reach; takes 100 pictures to know.
        cosine_min: Smallest cosine on the worst picture.
        neighbour_overlap_10: Smallest share of the ten nearest neighbours that both feature sets
            agree on; takes 20 pictures to know.
    """

    relative_l2_max: float | None = None
    cosine_mean: float | None = None
    cosine_p1: float | None = None
    cosine_min: float | None = None
    neighbour_overlap_10: float | None = None


# Only figures that any number of pictures can tell, so that a few pictures of one's own are enough.
# Int8's mean cosine of 0.99 is a vector off by 0.14 of its length on average; from 0.2 on (0.98)
# the runtime itself calls a stored vector another one (`edgefeat.sets.encoding`).
GATES: Final[Mapping[Precision, Gates]] = MappingProxyType(
    {
        Precision.FP32: Gates(relative_l2_max=1e-5, cosine_mean=0.999999, cosine_min=0.999999),
        Precision.FP16: Gates(relative_l2_max=5e-2, cosine_mean=0.9999, cosine_min=0.999),
        Precision.INT8: Gates(relative_l2_max=0.6, cosine_mean=0.99, cosine_min=0.9),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One missed gate.

    Attributes:
        output: Name of the output that missed it.
        gate: Name of the gate.
        needed: The limit.
        got: The figure; None where too few pictures were given to know it.
    """

    output: str
    gate: str
    needed: float
    got: float | None

    def __str__(self) -> str:
        if self.got is None:
            return f"{self.output}: {self.gate} is asked for but takes more pictures to know"
        word = "allowed" if self.gate in _UPPER else "needed"
        return f"{self.output}: {self.gate} {self.got:.7g}, {word} {self.needed:.7g}"


def changed(
    changes: Mapping[str, float | None], *, precisions: Collection[str]
) -> Mapping[Precision, Gates]:
    """Return the gates with some of them changed.

    Args:
        changes: The limits by `PRECISION.GATE`, such as `{"int8.cosine_mean": 0.97}`; None takes a
            gate away.
        precisions: Precisions of the files at hand; a change for another one is refused.

    Raises:
        OptionError: No such precision or gate, or nothing would use it.
    """
    gates = dict(GATES)
    names = [field.name for field in fields(Gates)]
    for path, limit in changes.items():
        precision, _, name = path.partition(".")
        if precision not in list(Precision) or name not in names:
            raise OptionError(
                f"expected PRECISION.GATE with one of {', '.join(Precision)} and one of"
                f" {', '.join(names)}, got {path!r}",
                option="gates",
            )
        if precision not in precisions:
            raise OptionError(
                f"{path} is for {precision}, but this is about {', '.join(precisions)}",
                option="gates",
                remedy="Leave it out.",
            )
        gates[Precision(precision)] = replace(gates[Precision(precision)], **{name: limit})
    return gates


def misses(output: str, measured: object, gates: Gates) -> Iterator[Miss]:
    """Yield the gates that figures miss.

    Args:
        output: Name of the output that was measured.
        measured: `Parity`, or other figures by the same names.
        gates: What the figures must reach.
    """
    for field in fields(Gates):
        needed: float | None = getattr(gates, field.name)
        if needed is None:
            continue
        got: float | None = getattr(measured, field.name)
        if got is None or not (got <= needed if field.name in _UPPER else got >= needed):
            yield Miss(output=output, gate=field.name, needed=needed, got=got)


def require(parities: Mapping[str, Parity], gates: Gates, *, file: str, reference: str) -> None:
    """Refuse a file that misses its gates.

    Args:
        parities: What was measured for each output.
        gates: What every one of them must reach.
        file: Name of the file, for the message.
        reference: What the file was measured against, for the message.

    Raises:
        VerificationError: It names every gate that was missed, with the figures.
    """
    missed = [miss for name, parity in parities.items() for miss in misses(name, parity, gates)]
    if missed:
        first = next(iter(parities.values()))
        counted = f"{first.images} pictures" if first.rows is None else f"{first.rows} rows"
        raise VerificationError(
            f"its features differ from those of {reference} on {counted}:"
            f" {'; '.join(map(str, missed))}",
            where=file,
            remedy="Change a limit with {option} if you can live with that.",
            option="gates",
            reasons=[asdict(miss) for miss in missed],
        )
