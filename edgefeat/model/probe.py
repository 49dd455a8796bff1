"""The golden probe: a described image, Keras's features for it, and how near is near enough.

The image is made from integers alone, so every machine makes the same bytes. Its expected features
travel in the model file, so that a device can prove on the spot that its vectors are right. A file
with columns has rows too, and one with a head the right answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ModelError
from edgefeat.measures import agreement
from edgefeat.model.outputs import OutputKind

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels, SizeHw
    from edgefeat.model.spec import ModelSpec, Probe

__all__ = [
    "GENERATOR",
    "GENERATOR_OF_ROWS",
    "SelfTest",
    "compare",
    "expected_features",
    "features_sha256",
    "probe_image",
    "run_probe",
]

GENERATOR = "edgefeat-probe-1"
GENERATOR_OF_ROWS = "rows"
Run: TypeAlias = "Callable[[Sequence[str], dict[str, NDArray[Any]]], list[NDArray[Any]]]"
_RECTANGLES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What the probe showed on this device.

    Args:
        passed: Whether the features are as near to Keras's as the model promises.
        relative_l2: Length of the difference to Keras's vector, divided by the length of Keras's.
        relative_l2_max: The largest `relative_l2` that passes.
        exact: Whether the output bytes equal the stamped hash. None where the model carries none,
            because floating point differs between CPUs.
        wrong_labels: How many rows got another label than they should; None without a head.
        probability_difference: How far the worst probability is off; None without probabilities.
    """

    passed: bool
    relative_l2: float
    relative_l2_max: float
    exact: bool | None
    wrong_labels: int | None = None
    probability_difference: float | None = None

    def __bool__(self) -> bool:
        return self.passed

    def describe(self) -> str:
        """Return one line for people."""
        verdict = "passed" if self.passed else "failed"
        return f"self-test {verdict}: {self.figures()}"

    def figures(self) -> str:
        """Return what was measured, for people."""
        text = f"relative L2 {self.relative_l2:.2e}, allowed {self.relative_l2_max:.2e}"
        if self.wrong_labels is not None:
            text += f", {self.wrong_labels} labels wrong"
        if self.probability_difference is not None:
            text += f", probabilities off by {self.probability_difference:.1e} at most"
        return text


def probe_image(seed: int, size_hw: SizeHw, channels: int = 3) -> Pixels:
    """Return the deterministic image of generator `edgefeat-probe-1`: uint8 `(H, W, channels)`.

    Overlapping rectangles of one colour over a two-way gradient: edges, flat areas and colour, as
    in photographs. Numbers come from a 32-bit xorshift generator (Marsaglia, 2003).

    Args:
        seed: Equal seeds give equal images.
        size_hw: Height and width.
        channels: Number of colour channels, 1 or 3.
    """
    height, width = size_hw
    rows = np.arange(height, dtype=np.int64)[:, np.newaxis, np.newaxis]
    columns = np.arange(width, dtype=np.int64)[np.newaxis, :, np.newaxis]
    channel = np.arange(channels, dtype=np.int64)[np.newaxis, np.newaxis, :]
    across = (columns * 95 // width * (channel + 1) // 3).astype(np.uint8)
    image: Pixels = (rows * 160 // height).astype(np.uint8) + across  # at most 254
    state = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1
    for _ in range(_RECTANGLES):
        numbers = []
        for _ in range(4 + channels):
            state ^= (state << 13) & 0xFFFFFFFF
            state ^= state >> 17
            state ^= (state << 5) & 0xFFFFFFFF
            numbers.append(state >> 8)
        top, left = numbers[0] % height, numbers[1] % width
        bottom = top + 1 + numbers[2] % max(1, height // 2)
        right = left + 1 + numbers[3] % max(1, width // 2)
        image[top:bottom, left:right] = [number % 256 for number in numbers[4:]]
    return image


def run_probe(spec: ModelSpec, run: Run, *, where: str) -> SelfTest:
    """Make the probe's inputs, run them, and compare what comes with what should.

    Args:
        spec: The model's spec.
        run: Runs the graph: names of outputs, and inputs with a batch axis by name, to these
            outputs.
        where: The file's name, for messages.

    Raises:
        ModelError: The model carries no probe, or one that this edgefeat cannot make.
    """
    probe = spec.probe
    if probe is None:
        raise ModelError("carries no probe to test against", where=where, remedy="Export it again.")
    try:
        feed = _inputs(spec, probe)
        names = [spec.primary.name]
        label = spec.answer(OutputKind.LABEL) if probe.labels is not None else None
        chances = spec.answer(OutputKind.PROBABILITIES) if probe.probabilities is not None else None
        names += [one.name for one in (label, chances) if one is not None]
        features, *answers = run(names, feed)
        result = compare(probe, features)
        if label is not None:
            result = _with_labels(result, probe, answers.pop(0))
        return result if chances is None else _with_probabilities(result, probe, answers[0])
    except ModelError as error:
        error.within(where)
        raise


def _inputs(spec: ModelSpec, probe: Probe) -> dict[str, NDArray[Any]]:
    """Return the graph's inputs: the rows, and the picture beside each of them."""
    rows = None if probe.rows is None else probe.rows
    feed: dict[str, NDArray[Any]] = {}
    if rows is not None:
        from edgefeat.model.probe_rows import feed_of  # few models have columns

        feed = feed_of(spec.columns, rows)
    expected = GENERATOR if spec.picture is not None else GENERATOR_OF_ROWS
    drawn = probe.seed is not None and probe.size_hw is not None
    if probe.generator != expected or drawn != (spec.picture is not None):
        raise ModelError(
            f"expected {expected!r}, got {probe.generator!r}",
            where="probe.generator",
            remedy="Install the edgefeat that goes with this model.",
        )
    if probe.seed is not None and probe.size_hw is not None:
        name, shape = spec.graph_input
        image = probe_image(probe.seed, probe.size_hw, shape[-1])
        feed[name] = np.repeat(image[np.newaxis], 1 if rows is None else len(rows), axis=0)
    return feed


def _with_labels(result: SelfTest, probe: Probe, labels: NDArray[Any]) -> SelfTest:
    expected = np.array(probe.labels, np.int64)
    if labels.shape != expected.shape:
        raise _unlike("probe.labels", labels.size, expected.size)
    wrong = int((labels != expected).sum())
    return replace(result, wrong_labels=wrong, passed=result.passed and not wrong)


def _with_probabilities(result: SelfTest, probe: Probe, found: NDArray[Any]) -> SelfTest:
    expected = _numbers(probe.probabilities or "", "<f4", "probe.probabilities")
    if found.size != expected.size:
        raise _unlike("probe.probabilities", found.size, expected.size)
    difference = float(np.abs(found.reshape(-1) - expected).max(initial=0.0))
    near = difference <= (probe.probability_difference_max or 0.0)
    return replace(result, probability_difference=difference, passed=result.passed and near)


def expected_features(probe: Probe) -> Features:
    """Return the stamped features: float32, one axis.

    Raises:
        ModelError: The text is not base64 of such numbers.
    """
    kind = "<f2" if probe.expected_dtype is None else "<f4"
    return _numbers(probe.expected, kind, "probe.expected")


def _numbers(text: str, kind: str, where: str) -> Features:
    try:
        data = base64.b64decode(text, validate=True)
        return np.frombuffer(data, dtype=kind).astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise ModelError(
            f"expected base64 of float{8 * np.dtype(kind).itemsize}, got {error}",
            where=where,
            remedy="Export the model again.",
        ) from error


def _unlike(where: str, expected: int, got: int) -> ModelError:
    return ModelError(
        f"expected {expected} numbers, got {got}", where=where, remedy="Export the model again."
    )


def features_sha256(features: Features) -> str:
    """Return the hash of the features' exact little-endian float32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(features, dtype="<f4").tobytes()).hexdigest()


def compare(probe: Probe, features: Features) -> SelfTest:
    """Compare features that were made on this device with the probe.

    Args:
        probe: Probe of the model's spec.
        features: Primary output for the probe's inputs: float32 `(N, ...)`; without rows of any
            shape.

    Raises:
        ModelError: The probe has another number of features.
    """
    expected = expected_features(probe)
    flat = (
        features.reshape(len(features), -1) if probe.rows is not None else features.reshape(1, -1)
    )
    compared = flat
    if probe.rows is not None and expected.size == flat.shape[1] and len(flat) > 1:
        expected = np.tile(expected, len(flat))  # one vector, for rows do not change it
        compared = flat[:1] if (flat == flat[0]).all() else flat
    if flat.size != expected.size:
        raise ModelError(
            f"expected {flat.size} features, got {expected.size}",
            where="probe.expected",
            remedy="Export the model again.",
        )
    relative = _worst(expected.reshape(flat.shape), flat)
    exact = (
        None
        if probe.features_sha256 is None
        else probe.features_sha256 == features_sha256(compared)
    )
    return SelfTest(
        passed=bool(relative <= probe.relative_l2_max),
        relative_l2=relative,
        relative_l2_max=probe.relative_l2_max,
        exact=exact,
    )


def _worst(expected: Features, got: Features) -> float:
    """Return the largest relative L2 of the rows; NaN where both have it is no difference."""
    both = np.isnan(expected) & np.isnan(got)
    if both.any():
        expected, got = np.where(both, 0, expected), np.where(both, 0, got)
    return float(agreement.relative_l2(expected, got).max(initial=0.0))
