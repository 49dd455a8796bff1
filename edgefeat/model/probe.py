"""The golden probe: a described image, Keras's features for it, and how near is near enough.

The image is made from integers alone, so every machine makes the same bytes. Its expected features
travel in the model file, so that a device can prove on the spot that its vectors are right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import ModelError
from edgefeat.measures import agreement

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels, SizeHw
    from edgefeat.model.spec import ModelSpec, Probe

__all__ = [
    "GENERATOR",
    "SelfTest",
    "compare",
    "expected_features",
    "features_sha256",
    "probe_image",
    "run_probe",
]

GENERATOR = "edgefeat-probe-1"
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
    """

    passed: bool
    relative_l2: float
    relative_l2_max: float
    exact: bool | None

    def __bool__(self) -> bool:
        return self.passed

    def describe(self) -> str:
        """Return one line for people."""
        verdict = "passed" if self.passed else "failed"
        return (
            f"self-test {verdict}: relative L2 {self.relative_l2:.2e}, "
            f"allowed {self.relative_l2_max:.2e}"
        )


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


def run_probe(spec: ModelSpec, run: Callable[[Pixels], Features], *, where: str) -> SelfTest:
    """Make the probe image, run it, and compare the features with Keras's.

    Args:
        spec: The model's spec.
        run: The graph's input, uint8 `(1, rows, columns, values)`, to the primary output, float32
            `(1, ...)`.
        where: The file's name, for messages.

    Raises:
        ModelError: The model carries no probe, or one that this edgefeat cannot make.
    """
    probe = spec.probe
    if probe is None:
        raise ModelError("carries no probe to test against", where=where, remedy="Export it again.")
    if probe.generator != GENERATOR or probe.seed is None or probe.size_hw is None:
        raise ModelError(
            f"expected {GENERATOR!r}, got {probe.generator!r}",
            where="probe.generator",
            remedy="Install the edgefeat that goes with this model.",
        ).within(where)
    _, shape = spec.graph_input
    image = probe_image(probe.seed, probe.size_hw, shape[-1])
    features = run(image[np.newaxis])[0]
    try:
        return compare(probe, features)
    except ModelError as error:
        error.within(where)
        raise


def expected_features(probe: Probe) -> Features:
    """Return the stamped features: float32, one axis.

    Raises:
        ModelError: The text is not base64 of such numbers.
    """
    kind = "<f2" if probe.expected_dtype is None else "<f4"
    try:
        data = base64.b64decode(probe.expected, validate=True)
        return np.frombuffer(data, dtype=kind).astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise ModelError(
            f"expected base64 of {probe.expected_dtype or 'float16'}, got {error}",
            where="probe.expected",
            remedy="Export the model again.",
        ) from error


def features_sha256(features: Features) -> str:
    """Return the hash of the features' exact little-endian float32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(features, dtype="<f4").tobytes()).hexdigest()


def compare(probe: Probe, features: Features) -> SelfTest:
    """Compare features that were made on this device with the probe.

    Args:
        probe: Probe of the model's spec.
        features: Primary output for the probe image, float32 of any shape.

    Raises:
        ModelError: The probe has another number of features.
    """
    expected = expected_features(probe)
    flat = features.reshape(-1)
    if flat.shape != expected.shape:
        raise ModelError(
            f"expected {flat.size} features, got {expected.size}",
            where="probe.expected",
            remedy="Export the model again.",
        )
    relative = float(agreement.relative_l2(expected[np.newaxis], flat[np.newaxis])[0])
    exact = (
        None if probe.features_sha256 is None else probe.features_sha256 == features_sha256(flat)
    )
    return SelfTest(
        passed=bool(relative <= probe.relative_l2_max),
        relative_l2=relative,
        relative_l2_max=probe.relative_l2_max,
        exact=exact,
    )
