"""Writes down what an exported file says of itself: spec and golden probe."""

from __future__ import annotations

import base64
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.model.probe import GENERATOR, features_sha256, probe_image
from edgefeat.model.spec import ModelSpec, OutputSpec, Parity, Probe, SourceSpec
from edgefeat_export.networks.network import Network, describe
from edgefeat_export.proof.reference import KerasReference
from edgefeat_export.proof.stamp import fingerprint_of

__all__ = ["file_name", "file_stem", "make_probe", "make_spec", "merged_parity"]

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
# The probe's tolerance: float16 storage of its features costs 5e-4 at most; int8 varies by model.
_PROBE_FLOOR: Final = 2e-3
_PROBE_SLACK: Final = 1.5


def make_spec(
    model: onnx.ModelProto, precision: str, network: Network, outputs: tuple[OutputSpec, ...]
) -> ModelSpec:
    """Describe a graph, before anything has been measured."""
    weights = network.weights
    source = SourceSpec(
        backbone=network.backbone,
        weights=weights.source,
        weights_sha256=weights.sha256,
        licence=weights.licence,
        tools={name: version(name) for name in _TOOLS},
        extra={
            "weights_origin": weights.origin,
            "normalisation": describe(network.normalisation),
        },
    )
    return ModelSpec(
        name=network.name,
        precision=precision,
        input=network.input,
        outputs=outputs,
        source=source,
        parity=None,
        probe=None,
        fingerprint=fingerprint_of(model, network.input, outputs),
    )


def merged_parity(parities: dict[str, Parity]) -> Parity:
    """Return the primary output's figures, with the other outputs' beside them."""
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
    return Parity(
        images=parity.images,
        relative_l2_mean=parity.relative_l2_mean,
        relative_l2_max=parity.relative_l2_max,
        cosine_mean=parity.cosine_mean,
        cosine_p1=parity.cosine_p1,
        cosine_min=parity.cosine_min,
        neighbour_overlap_10=parity.neighbour_overlap_10,
        extra={**parity.extra, "other_outputs": extra},
    )


def make_probe(path: Path, spec: ModelSpec, reference: KerasReference) -> Probe:
    """Describe the self-test: Keras's features for the probe image, and how near we come."""
    image = probe_image(_PROBE_SEED, spec.input.size_hw, spec.input.channels)
    expected = reference.primary(image[np.newaxis])[0].reshape(-1)
    with FeatureExtractor(path, outputs="features") as extractor:
        got = extractor.extract_prepared(image[np.newaxis])[0].reshape(-1)
    norm = float(np.linalg.norm(expected))
    measured = float(np.linalg.norm(got - expected)) / norm if norm else float("inf")
    # Integers give the same bytes everywhere, unless float arithmetic comes after them.
    integers_to_the_end = spec.primary.reduced_from is None and not spec.primary.l2_normalised
    exact = spec.precision == "int8" and integers_to_the_end
    return Probe(
        generator=GENERATOR,
        seed=_PROBE_SEED,
        size_hw=spec.input.size_hw,
        expected=_float16_text(expected),
        relative_l2_max=float(f"{_PROBE_SLACK * measured + _PROBE_FLOOR:.2e}"),
        features_sha256=features_sha256(got) if exact else None,
    )


def file_name(spec: ModelSpec) -> str:
    """Return `<name>_<size>_<precision>.onnx`."""
    return f"{file_stem(spec)}_{spec.precision}.onnx"


def file_stem(spec: ModelSpec) -> str:
    """Return `<name>_<size>`, which all precisions share."""
    height, width = spec.input.size_hw
    size = str(height) if height == width else f"{height}x{width}"
    return f"{spec.name}_{size}"


def _float16_text(features: NDArray[np.float32]) -> str:
    return base64.b64encode(features.astype("<f2").tobytes()).decode()
