"""Finds how much of a network can be integer: the worst layers stay float until gates hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.measures import agreement
from edgefeat.measures.agreement import Agreement
from edgefeat_export.errors import VerificationError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.proof.gates import Gates, Miss, misses
from edgefeat_export.quant.fidelity import features_of
from edgefeat_export.quant.graph_to_int8 import QuantizedModel, quantize_model
from edgefeat_export.quant.latency import Latency, latency_of
from edgefeat_export.quant.steps import steps_of
from edgefeat_export.quant.targets import Target

__all__ = ["UNLIMITED", "Attempt", "Limits", "Outcome", "search"]

_ROUNDS = (0, 1, 2, 4, 8)  # layers in float, attempt by attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the quantized model may cost; None is not asked.

    Attributes:
        size_bytes: Largest allowed model.
        latency_ratio: Largest allowed latency over the float model's, both timed here, in turns.
    """

    size_bytes: int | None = None
    latency_ratio: float | None = None


UNLIMITED: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One quantization: what stayed in float, what came of it and what it costs."""

    kept_float: tuple[str, ...]
    fidelity: Agreement
    size_bytes: int
    latency: Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The first quantization that held the gates, with the attempts that led to it."""

    quantized: QuantizedModel
    attempts: tuple[Attempt, ...]

    @property
    def fidelity(self) -> Agreement:
        """That of the chosen quantization."""
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
    limits: Limits = UNLIMITED,
    say: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Quantize until the gates hold, with as few layers in float as that takes.

    Args:
        model: A clean float graph with uint8 input.
        calibration: Pictures to calibrate on, uint8 `(N, height, width, channels)`.
        judged: Other pictures, to measure on.
        target: The class of devices.
        gates: What must hold against the float features, as far as so many pictures can tell.
        limits: What the model may cost.
        say: Told of each attempt.

    Raises:
        VerificationError: The gates do not hold however many layers stay in float, or not within
            the limits.
    """
    wanted = features_of(model, judged)
    attempts: list[Attempt] = []
    worst: list[str] = []
    for keep in _ROUNDS:
        if attempts and keep > len(worst) // 2:  # then it is hardly an integer network
            break
        quantized = quantize_model(model, calibration, target=target, keep_float=worst[:keep])
        attempt = Attempt(
            kept_float=quantized.kept_float,
            fidelity=agreement.compare(wanted, features_of(quantized.model, judged)),
            size_bytes=quantized.model.ByteSize(),
            latency=latency_of(model, quantized.model, judged[0]),
        )
        attempts.append(attempt)
        say(_sentence(attempt))
        beyond = _beyond(attempt, limits)
        missed = [*_missed(attempt.fidelity, gates), *beyond]
        if not missed:
            return Outcome(quantized=quantized, attempts=tuple(attempts))
        if beyond:  # more layers in float would only cost more
            break
        worst = worst or _by_loss(model, quantized.errors)
    raise VerificationError(
        f"int8 for {target.name} misses its gates with {len(attempts[-1].kept_float)} layers "
        f"in float: {'; '.join(map(str, missed))}. No int8 file was written: use fp32 or fp16 "
        "storage for this network, or calibrate on pictures like those it will see.",
        reasons=[asdict(miss) for miss in missed],
    )


def _missed(fidelity: Agreement, gates: Gates) -> list[Miss]:
    """Those that so many pictures can tell."""
    return [miss for miss in misses("features", fidelity, gates) if miss.got is not None]


def _beyond(attempt: Attempt, limits: Limits) -> list[Miss]:
    costs = {"size_bytes": attempt.size_bytes, "latency_ratio": attempt.latency.ratio}
    return [
        Miss(output="features", gate=name, needed=limit, got=costs[name])
        for name, limit in asdict(limits).items()
        if limit is not None and not costs[name] <= limit
    ]


def _by_loss(model: onnx.ModelProto, errors: Mapping[str, float]) -> list[str]:
    """Weighted layers by the error they add to what reaches them, largest first."""
    losses = {}
    for step in steps_of(Graph(model)):
        if step.weighted and step.output in errors:
            reached = max((errors.get(name, 0.0) for name in step.node.inputs), default=0.0)
            losses[step.output] = errors[step.output] - reached
    return sorted(losses, key=lambda name: (-losses[name], name))


def _sentence(attempt: Attempt) -> str:
    fidelity = attempt.fidelity
    kept = f"{len(attempt.kept_float)} layers in float" if attempt.kept_float else "all integer"
    return (
        f"{kept}: cosine {fidelity.cosine_mean:.5f} mean, {fidelity.cosine_min:.4f} min over "
        f"{fidelity.pictures} pictures, {attempt.size_bytes / 1e6:.2f} MB, "
        f"{attempt.latency.ratio:.2f} of the float latency"
    )
