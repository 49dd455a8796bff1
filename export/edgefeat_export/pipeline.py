"""The export, step by step: backbone, cut, convert, clean, uint8 input, quantize, verify, stamp.

Files appear only when everything asked for has passed; until then nothing is replaced.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.probe import GENERATOR, features_sha256, probe_image
from edgefeat.shipped import sample_photos
from edgefeat.spec import InputSpec, ModelSpec, Probe, SourceSpec
from edgefeat_export import pictures
from edgefeat_export.backbones import LoadedBackbone, load_backbone
from edgefeat_export.calibration import calibration_pictures, soften_half
from edgefeat_export.convert import to_onnx
from edgefeat_export.errors import ExportError
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.headless import Headless, Tap, cut
from edgefeat_export.quantize import quantize
from edgefeat_export.reference import KerasReference
from edgefeat_export.stamp import fingerprint_of, stamp, temporary_beside
from edgefeat_export.uint8_input import with_uint8_input
from edgefeat_export.verify import GATES, measure, require

__all__ = ["PRECISIONS", "BuildRequest", "Built", "build"]

PRECISIONS = ("fp32", "int8")
_TOOLS = ("edgefeat-export", "tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")
_PROBE_SEED = 1
_CALIBRATION_SEED, _VERIFICATION_SEED = 1, 2
# The probe's tolerance: float16 storage of its features costs 5e-4 at most; int8 varies by model.
_PROBE_FLOOR = 2e-3
_PROBE_SLACK = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build.

    Attributes:
        name: A backbone from the catalogue.
        weights: `imagenet`, `none` or a weights file.
        size_hw: Input size; None takes the backbone's own.
        alpha: Width multiplier, where the family has one.
        taps: Where features leave the network; the first is the primary output.
        precisions: Some of `PRECISIONS`.
        calibration: Folder of pictures for int8; None takes crops of the shipped samples.
        images: Folder of pictures to verify with; None takes other crops of the samples.
        output: Folder for the files.
    """

    name: str
    weights: str | Path = "imagenet"
    size_hw: tuple[int, int] | None = None
    alpha: float | None = None
    taps: Sequence[Tap] = (Tap(),)
    precisions: Sequence[str] = ("fp32", "int8")
    calibration: Path | None = None
    images: Path | None = None
    output: Path = Path("models")
    calibration_images: int = 96
    verification_images: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One finished file."""

    path: Path
    spec: ModelSpec
    size_bytes: int


def build(request: BuildRequest, *, say: Callable[[str], None] = lambda _line: None) -> list[Built]:
    """Build, verify and write the model files that a request names.

    Raises:
        ExportError: A step failed or a gate was missed; nothing was written or replaced.
    """
    _check(request)
    say(f"building {request.name} ({request.weights} weights)")
    loaded = load_backbone(
        request.name, weights=request.weights, size_hw=request.size_hw, alpha=request.alpha
    )
    headless = cut(loaded.model, request.taps)
    say("converting to ONNX and cleaning the graph")
    fp32 = convert(headless, loaded)
    job = _Job(request, loaded, headless, say)
    drafts = [job.draft(job.at_precision(fp32, name), name) for name in request.precisions]
    return [job.write(model, spec) for model, spec in drafts]


def convert(headless: Headless, loaded: LoadedBackbone) -> onnx.ModelProto:
    """Return the clean float graph with uint8 input."""
    names = [output.name for output in headless.outputs]
    graph = clean(to_onnx(headless.model, names))
    return with_uint8_input(graph, loaded.normalisation)


class _Job:
    """One request under way: what its precisions share."""

    def __init__(
        self,
        request: BuildRequest,
        loaded: LoadedBackbone,
        headless: Headless,
        say: Callable[[str], None],
    ) -> None:
        self._request, self._loaded, self._headless, self._say = request, loaded, headless, say
        self._input = InputSpec(size_hw=loaded.size_hw)
        self._reference = KerasReference(headless=headless, normalisation=loaded.normalisation)
        self._verification = self._pictures(
            request.images, request.verification_images, _VERIFICATION_SEED
        )

    def at_precision(self, fp32: onnx.ModelProto, precision: str) -> onnx.ModelProto:
        """Return the graph in one of the precisions."""
        if precision == "fp32":
            return fp32
        request = self._request
        if request.calibration is None:
            count = request.calibration_images
            images, origin = calibration_pictures(self._input, count=count, seed=_CALIBRATION_SEED)
        else:
            found = pictures.folder(
                request.calibration, self._input, at_most=request.calibration_images
            )
            images = soften_half(found, seed=_CALIBRATION_SEED)
            origin = f"{len(found)} pictures of the user, half of them blurred"
        self._say(f"quantizing with {origin}")
        return quantize(fp32, images)

    def draft(self, model: onnx.ModelProto, precision: str) -> tuple[onnx.ModelProto, ModelSpec]:
        """Verify a graph; return it with the spec that says so."""
        spec = self._spec(model, precision)
        with temporary_beside(self._target(spec)) as path:
            stamp(model, spec, path)
            self._say(f"verifying {precision} against Keras on {len(self._verification)} pictures")
            parity = measure(path, self._reference, self._verification)
            require(parity, GATES[precision], self._target(spec).name)
            probe = self._probe(path, precision)
        return model, replace(spec, parity=parity, probe=probe)

    def write(self, model: onnx.ModelProto, spec: ModelSpec) -> Built:
        """Stamp the file, run its self-test and put it in place."""
        target = self._target(spec)
        with temporary_beside(target) as path:
            stamp(model, spec, path)
            with FeatureExtractor(path) as extractor:
                if not (result := extractor.self_test()):
                    raise ExportError(
                        f"{target.name}: its own self-test fails here: relative L2 "
                        f"{result.relative_l2:.2e}, allowed {result.relative_l2_max:.2e}."
                    )
            path.replace(target)
        self._say(f"wrote {target}")
        return Built(path=target, spec=spec, size_bytes=target.stat().st_size)

    def _target(self, spec: ModelSpec) -> Path:
        height, width = spec.input.size_hw
        size = str(height) if height == width else f"{height}x{width}"
        return self._request.output / f"{spec.name}_{size}_{spec.precision}.onnx"

    def _spec(self, model: onnx.ModelProto, precision: str) -> ModelSpec:
        weights = self._loaded.weights
        source = SourceSpec(
            backbone=self._loaded.backbone.name,
            weights=weights.source,
            weights_sha256=weights.sha256,
            licence=weights.licence,
            tools={name: version(name) for name in _TOOLS},
            extra={"weights_origin": weights.origin},
        )
        outputs = self._headless.outputs
        return ModelSpec(
            name=self._loaded.name,
            precision=precision,
            input=self._input,
            outputs=outputs,
            source=source,
            parity=None,
            probe=None,
            fingerprint=fingerprint_of(model, self._input, outputs),
        )

    def _probe(self, path: Path, precision: str) -> Probe:
        """Describe the self-test: Keras's features for the probe image, and how near we come."""
        image = probe_image(_PROBE_SEED, self._input.size_hw, self._input.channels)
        expected = self._reference.primary(image[np.newaxis])[0].reshape(-1)
        with FeatureExtractor(path) as extractor:
            got = extractor.extract_prepared(image[np.newaxis])[0].reshape(-1)
        norm = float(np.linalg.norm(expected))
        measured = float(np.linalg.norm(got - expected)) / norm if norm else float("inf")
        return Probe(
            generator=GENERATOR,
            seed=_PROBE_SEED,
            size_hw=self._input.size_hw,
            expected=_float16_text(expected),
            relative_l2_max=round(_PROBE_SLACK * measured + _PROBE_FLOOR, 6),
            features_sha256=features_sha256(got) if precision == "int8" else None,
        )

    def _pictures(self, given: Path | None, count: int, seed: int) -> NDArray[np.uint8]:
        if given is not None:
            return pictures.folder(given, self._input, at_most=count)
        return pictures.crops(sample_photos(), self._input, count=count, seed=seed)


def _float16_text(features: NDArray[np.float32]) -> str:
    return base64.b64encode(features.astype("<f2").tobytes()).decode()


def _check(request: BuildRequest) -> None:
    unknown = [name for name in request.precisions if name not in PRECISIONS]
    if unknown or not request.precisions:
        raise ValueError(f"precisions: expected some of {', '.join(PRECISIONS)}, got {unknown}")
    try:
        request.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"{request.output}: cannot be made a folder: {error.strerror}. Choose another one."
        ) from error
