"""Finds how much of a network can be integer: the worst layers stay in float until gates hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.measures import agreement
from edgefeat.measures.agreement import Agreement
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof.gates import Gates, Miss, misses
from edgefeat_export.quant.choices import Choices
from edgefeat_export.quant.fidelity import features_of
from edgefeat_export.quant.graph_to_int8 import QuantizedModel, quantize_model
from edgefeat_export.quant.latency import LatencyRatio, latency_of
from edgefeat_export.quant.shares import IntegerShare
from edgefeat_export.quant.targets import Target

__all__ = ["UNLIMITED", "Attempt", "CostLimits", "SearchOutcome", "search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimits:
    """What the quantized model may cost. None sets no limit.

    Attributes:
        size_bytes: Largest size of the model.
        latency_ratio: Largest latency, divided by the float model's. Both are timed here, in turns.
    """

    size_bytes: int | None = None
    latency_ratio: float | None = None


UNLIMITED: Final = CostLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One quantization.

    Attributes:
        kept_float: Layers that stayed in float.
        fidelity: How near the features are to the float model's.
        size_bytes: Size of the model.
        latency: Time of a picture, beside the float model's.
        integer: How much of the network is integer.
    """

    kept_float: tuple[str, ...]
    fidelity: Agreement
    size_bytes: int
    latency: LatencyRatio
    integer: IntegerShare


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """What a search found.

    Attributes:
        quantized: The first quantization that held the gates.
        attempts: Every attempt in turn; the last one is `quantized`.
    """

    quantized: QuantizedModel
    attempts: tuple[Attempt, ...]

    @property
    def fidelity(self) -> Agreement:
        """How near the features of the chosen quantization are to the float model's."""
        return self.attempts[-1].fidelity

    def record(self, origin: str) -> dict[str, object]:
        """Return what the spec keeps: no latency, which would make every file another one.

        Args:
            origin: Where the calibration pictures are from.
        """
        return {
            "target": self.quantized.target.name,
            "pair_limit": self.quantized.target.pair_limit,
            "calibration": origin,
            "kept_float": list(self.quantized.kept_float),
            **self.quantized.integer.as_record(),
            "attempts": [
                {
                    "kept_float": list(one.kept_float),
                    "size_bytes": one.size_bytes,
                    "fidelity": asdict(one.fidelity),
                }
                for one in self.attempts
            ],
        }


def search(
    model: onnx.ModelProto,
    calibration: NDArray[np.uint8],
    judged: NDArray[np.uint8],
    *,
    target: Target,
    gates: Gates,
    limits: CostLimits = UNLIMITED,
    say: Callable[[str], None] = lambda _line: None,
) -> SearchOutcome:
    """Quantize until the gates hold, with as few layers in float as that takes.

    Args:
        model: A clean float graph with uint8 input.
        calibration: Pictures to calibrate on, uint8 `(N, height, width, channels)`.
        judged: Other pictures, to measure on.
        target: The class of devices.
        gates: What must hold against the float features. Gates that need more pictures than were
            given are left out.
        limits: What the model may cost.
        say: Takes a line for each attempt.

    Raises:
        VerificationError: The gates do not hold however many layers stay in float, or not within
            the limits.
    """
    wanted = features_of(model, judged)
    attempts: list[Attempt] = []
    choices = Choices(model)
    while (kept := choices.next()) is not None:
        quantized = quantize_model(model, calibration, target=target, keep_float=kept)
        attempt = Attempt(
            kept_float=quantized.kept_float,
            fidelity=agreement.compare(wanted, features_of(quantized.model, judged)),
            size_bytes=quantized.model.ByteSize(),
            latency=latency_of(model, quantized.model, judged[0]),
            integer=quantized.integer,
        )
        attempts.append(attempt)
        say(_sentence(attempt))
        beyond = _beyond(attempt, limits)
        missed = [*_missed(attempt.fidelity, gates), *beyond]
        if not missed:
            return SearchOutcome(quantized=quantized, attempts=tuple(attempts))
        if beyond and not (choices.has_products and len(attempts) == 1):
            break  # layers in float would only cost more; products of two tensors may not
        choices.learn(quantized.errors)
    raise VerificationError(
        f"misses its gates with {len(attempts[-1].kept_float)} layers in float:"
        f" {'; '.join(map(str, missed))}",
        where=f"int8 for {target.name}",
        remedy="No int8 file was written. Use fp32 or fp16 for this network, or calibrate on"
        " pictures like those it will see.",
        reasons=[asdict(miss) for miss in missed],
    )


def _missed(fidelity: Agreement, gates: Gates) -> list[Miss]:
    """Return the gates that were missed, without those that need more pictures to know."""
    return [miss for miss in misses("features", fidelity, gates) if miss.got is not None]


def _beyond(attempt: Attempt, limits: CostLimits) -> list[Miss]:
    """Return the costs that are above their limits."""
    costs = {"size_bytes": attempt.size_bytes, "latency_ratio": attempt.latency.ratio}
    return [
        Miss(output="features", gate=name, needed=limit, got=costs[name])
        for name, limit in asdict(limits).items()
        if limit is not None and not costs[name] <= limit
    ]


def _sentence(attempt: Attempt) -> str:
    fidelity = attempt.fidelity
    kept = f", {len(attempt.kept_float)} layers in float" if attempt.kept_float else ""
    return (
        f"{attempt.integer.describe()}{kept}: cosine {fidelity.cosine_mean:.5f} mean, "
        f"{fidelity.cosine_min:.4f} min over {fidelity.pictures} pictures, "
        f"{attempt.size_bytes / 1e6:.2f} MB, {attempt.latency.ratio:.2f} of the float latency"
    )
