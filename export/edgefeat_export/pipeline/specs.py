"""Writes down what an exported file says of itself: spec, parity and golden probe."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx

from edgefeat import FeatureExtractor
from edgefeat.arrays import Features
from edgefeat.measures import agreement
from edgefeat.model.probe import GENERATOR, expected_features, features_sha256, probe_image
from edgefeat.model.spec import ModelSpec, OutputSpec, Parity, Probe, SourceSpec
from edgefeat_export.errors import VerificationError
from edgefeat_export.precision import Precision
from edgefeat_export.proof import stamp
from edgefeat_export.proof.reference import Reference

if TYPE_CHECKING:
    from edgefeat_export.networks.network import Network

__all__ = [
    "ProbeImage",
    "file_name",
    "file_stem",
    "kept_features",
    "make_probe",
    "make_spec",
    "merged_parity",
    "probe_by",
    "probe_in",
    "shape_text",
    "tool_versions",
]


_TOOLS: Final = (
    "edgefeat-export",
    "tensorflow",
    "keras",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "numpy",
)
_PROBE_SEED: Final = 1
# The probe's tolerance is what was measured here, times a slack for other CPUs, plus a floor for
# storing the expected features as float16, which costs 5e-4 at most.
_PROBE_SLACK: Final = 1.5
_PROBE_FLOOR: Final = 2e-3
_HELD_WELL: Final = (2.0**-8, 2.0**15)
"""Float16 holds features to the floor if the largest of them is between these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeImage:
    """The image of a self-test and its right features.

    Attributes:
        seed: Makes the image, by the generator `edgefeat.model.probe.GENERATOR`.
        expected: Keras's primary output for it: float32, one axis.
    """

    seed: int
    expected: Features


def make_spec(
    model: onnx.ModelProto, precision: Precision, network: Network, outputs: tuple[OutputSpec, ...]
) -> ModelSpec:
    """Return what a graph's file says before anything has been measured.

    Args:
        model: The graph.
        precision: How its numbers are stored and computed.
        network: The network that the graph was made from.
        outputs: Outputs of the graph, in order.
    """
    weights = network.weights
    source = SourceSpec(
        backbone=network.backbone,
        weights=weights.source,
        weights_sha256=weights.sha256,
        licence=weights.licence,
        tools=tool_versions(),
        extra={
            "weights_origin": weights.origin,
            "normalisation": network.normalisation.as_record(),
            "pixels": f"{network.normalisation.describe()}: {network.range_known_by}",
        },
    )
    return ModelSpec(
        name=network.name,
        precision=precision.value,
        inputs=(network.input,),
        outputs=outputs,
        source=source,
        parity=None,
        probe=None,
        fingerprint=stamp.fingerprint_of(model, network.input, outputs),
    )


def tool_versions() -> dict[str, str]:
    """Return the versions of the programs that make a file, by their names."""
    return {name: version(name) for name in _TOOLS}


def merged_parity(parities: Mapping[str, Parity]) -> Parity:
    """Return the primary output's figures, with some of the other outputs' in `extra`."""
    first, *others = parities
    parity = parities[first]
    if not others:
        return parity
    extra = {
        name: {
            "relative_l2_max": parities[name].relative_l2_max,
            "cosine_mean": parities[name].cosine_mean,
            "cosine_min": parities[name].cosine_min,
        }
        for name in others
    }
    return replace(parity, extra={**parity.extra, "other_outputs": extra})


def probe_by(reference: Reference, spec: ModelSpec) -> ProbeImage:
    """Return the probe image with the features that a reference gives for it."""
    image = probe_image(_PROBE_SEED, spec.input.size_hw, spec.input.channels)
    expected = reference.features(image[np.newaxis])[0][0]
    return ProbeImage(seed=_PROBE_SEED, expected=expected.reshape(-1))


def probe_in(probe: Probe) -> ProbeImage:
    """Return the probe image of a finished file, with Keras's features that are stored there.

    Raises:
        VerificationError: The file's probe has rows and no picture.
    """
    if probe.seed is None:
        raise VerificationError(
            "expected a probe with a picture, got one of rows",
            remedy="Name a model for pictures.",
        )
    return ProbeImage(seed=probe.seed, expected=expected_features(probe))


def make_probe(path: Path, spec: ModelSpec, probe: ProbeImage) -> Probe:
    """Return the self-test of a file: the right features, and how near it may be asked to come.

    Args:
        path: The file, stamped with a spec that has no probe yet.
        spec: What the file says of itself.
        probe: The image and its right features.

    Raises:
        VerificationError: The right features are all zero, which proves nothing.
    """
    if not probe.expected.any():
        raise VerificationError(
            "the features of the probe image are all zero, so a self-test would prove nothing",
            where=spec.name,
            remedy="Check the weights and the input range.",
        )
    image = probe_image(probe.seed, spec.input.size_hw, spec.input.channels)
    with FeatureExtractor(path, outputs=spec.primary.name) as extractor:
        got = extractor.extract_prepared(image[np.newaxis])[0].reshape(-1)
    expected, dtype = kept_features(probe.expected)
    measured = float(agreement.relative_l2(probe.expected[np.newaxis], got[np.newaxis])[0])
    return Probe(
        generator=GENERATOR,
        seed=probe.seed,
        size_hw=spec.input.size_hw,
        expected=expected,
        expected_dtype=dtype,
        relative_l2_max=float(f"{_PROBE_SLACK * measured + _PROBE_FLOOR:.2e}"),
        features_sha256=features_sha256(got) if _is_all_integer(spec) else None,
    )


def file_name(spec: ModelSpec) -> str:
    """Return `<name>_<size>_<precision>.onnx`; a file for columns has no size."""
    return f"{file_stem(spec)}_{spec.precision}.onnx"


def file_stem(spec: ModelSpec) -> str:
    """Return `<name>_<size>`, which all precisions share; a file for columns has no size."""
    if spec.picture is None:
        return spec.name
    height, width = spec.picture.size_hw
    size = str(height) if height == width else f"{height}x{width}"
    return f"{spec.name}_{size}"


def shape_text(output: OutputSpec) -> str:
    """Return an output's shape for people, such as `1280` or `7 x 7 x 320`."""
    return " x ".join(str(side) for side in output.shape)


def _is_all_integer(spec: ModelSpec) -> bool:
    """Return whether every CPU gives the same bytes: nothing that decides them is in float."""
    made = spec.extra.get("quantization")
    return isinstance(made, Mapping) and made.get("float_operators") == []


def kept_features(features: Features) -> tuple[str, str | None]:
    """Return features as a probe keeps them, and `expected_dtype` of the probe.

    Args:
        features: float32, one axis, not all zero.

    Returns:
        Base64 of little-endian float16, and None; of float32, and its name, where float16 is too
        narrow.
    """
    low, high = _HELD_WELL
    wide = not low <= float(np.abs(features).max()) <= high
    data = features.astype("<f4" if wide else "<f2").tobytes()
    return base64.b64encode(data).decode(), "float32" if wide else None
