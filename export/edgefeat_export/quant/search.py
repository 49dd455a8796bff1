"""Finds how much of a network can be integer: the worst layers stay float until gates hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.errors import VerificationError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.fidelity import Fidelity, compare, features_of
from edgefeat_export.quant.steps import steps_of
from edgefeat_export.quant.targets import Target
from edgefeat_export.quantize import QuantizedModel, quantize_model

__all__ = ["Attempt", "Outcome", "QuantGates", "search"]

_ROUNDS = (0, 1, 2, 4, 8)  # layers in float, attempt by attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantGates:
    """What quantized features must reach against the float ones, and what they may cost.

    Attributes:
        cosine_mean: Lowest allowed mean cosine.
        cosine_p1: Lowest allowed first percentile.
        neighbour_overlap_10: Lowest allowed share of kept neighbours.
        size_bytes: Largest allowed model, None for any.
    """

    cosine_mean: float = 0.99
    cosine_p1: float = 0.97
    neighbour_overlap_10: float = 0.75
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One quantization: what stayed in float, and what came of it."""

    kept_float: tuple[str, ...]
    fidelity: Fidelity
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The first quantization that held the gates, with the attempts that led to it."""

    quantized: QuantizedModel
    attempts: tuple[Attempt, ...]

    @property
    def fidelity(self) -> Fidelity:
        """That of the chosen quantization."""
        return self.attempts[-1].fidelity


def search(
    model: onnx.ModelProto,
    calibration: NDArray[np.uint8],
    judged: NDArray[np.uint8],
    *,
    target: Target,
    gates: QuantGates,
    say: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Quantize until the gates hold, with as few layers in float as that takes.

    Args:
        model: A clean float graph with uint8 input.
        calibration: Pictures to calibrate on, uint8 `(N, height, width, channels)`.
        judged: Other pictures, to measure on.
        target: The class of devices.
        gates: What must hold.
        say: Told of each attempt.

    Raises:
        VerificationError: The gates do not hold however many layers stay in float.
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
            fidelity=compare(wanted, features_of(quantized.model, judged)),
            size_bytes=quantized.model.ByteSize(),
        )
        attempts.append(attempt)
        say(_sentence(attempt))
        missed = _missed(attempt, gates)
        if not missed:
            return Outcome(quantized=quantized, attempts=tuple(attempts))
        worst = worst or _by_loss(model, quantized.errors)
    raise VerificationError(
        f"int8 for {target.name} misses its gates with up to {len(attempts[-1].kept_float)} layers "
        f"in float: {'; '.join(missed)}. No file was written: use fp32 or fp16 storage for this "
        "network, or calibrate on pictures like those it will see."
    )


def _missed(attempt: Attempt, gates: QuantGates) -> list[str]:
    fidelity = attempt.fidelity
    missed = []
    for name in ("cosine_mean", "cosine_p1", "neighbour_overlap_10"):
        value, needed = getattr(fidelity, name), getattr(gates, name)
        if value is not None and not value >= needed:
            missed.append(f"{name} {value:.5f}, needed {needed:.5f}")
    if gates.size_bytes is not None and attempt.size_bytes > gates.size_bytes:
        missed.append(f"{attempt.size_bytes} bytes, allowed {gates.size_bytes}")
    return missed


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
        f"{kept}: cosine {fidelity.cosine_mean:.5f} mean, {fidelity.cosine_p1:.4f} p1 over "
        f"{fidelity.pictures} pictures, {attempt.size_bytes / 1e6:.2f} MB"
    )
