"""Quantizes a finished model file: int8 with the spec, probe and report that belong to it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.model.file import read_model_file
from edgefeat.model.probe import features_sha256, probe_image
from edgefeat.model.spec import InputSpec, ModelSpec, Parity
from edgefeat_export.errors import ExportError
from edgefeat_export.proof import pictures
from edgefeat_export.proof.calibration import calibration_pictures, described, soften_half
from edgefeat_export.proof.gates import Gates
from edgefeat_export.proof.stamp import fingerprint_of, stamp, temporary_beside
from edgefeat_export.quant.report import report_page
from edgefeat_export.quant.search import UNLIMITED, Limits, Outcome, search
from edgefeat_export.quant.targets import Target

__all__ = ["QuantizeRequest", "Requantized", "quantize_file"]

Say = Callable[[str], None]
_CALIBRATION_SEED, _JUDGED_SEED = 1, 3
_PROBE_SLACK, _PROBE_FLOOR = 1.5, 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeRequest:
    """What to quantize.

    Attributes:
        model: A float model file made by `edgefeat-export build`.
        output: The int8 file; None puts it beside the model.
        calibration: Folder of pictures; None takes photos that packages ship.
        judged: Folder of other pictures to measure on; None takes other crops of those photos.
        target: The class of devices.
        gates: What must hold against the float features.
        limits: What the file may cost.
        report: Where to write the page; None writes none.
        pictures: How many to calibrate and to measure on, at most.
    """

    model: Path
    output: Path | None = None
    calibration: Path | None = None
    judged: Path | None = None
    target: Target
    gates: Gates
    limits: Limits = UNLIMITED
    report: Path | None = None
    pictures: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantized:
    """The finished file."""

    path: Path
    spec: ModelSpec
    outcome: Outcome


def quantize_file(request: QuantizeRequest, *, say: Say = lambda _line: None) -> Requantized:
    """Quantize, measure, stamp and write.

    Raises:
        ExportError: Not a float model, or a gate was missed; nothing was written.
    """
    old = read_model_file(request.model).spec
    if old.precision == "int8":
        raise ExportError(f"{request.model}: expected a float model, got int8. Give its fp32 file.")
    model = onnx.load(request.model)
    calibration, origin = _calibration(request, old.input, say)
    say(f"calibrating on {origin}")
    outcome = search(
        model,
        calibration,
        _judged(request, old.input, say),
        target=request.target,
        gates=request.gates,
        limits=request.limits,
        say=say,
    )
    spec = _spec(old, outcome, origin)
    target = request.output or request.model.with_name(_name(request.model, old))
    spec = _write(outcome.quantized.model, spec, target)
    if request.report is not None:
        page = report_page(
            old.name, outcome, size_before=request.model.stat().st_size, calibration=origin
        )
        request.report.write_text(page)
    return Requantized(path=target, spec=spec, outcome=outcome)


def _calibration(
    request: QuantizeRequest, input_spec: InputSpec, say: Say
) -> tuple[NDArray[np.uint8], str]:
    if request.calibration is None:
        return calibration_pictures(input_spec, count=request.pictures, seed=_CALIBRATION_SEED)
    found = pictures.folder(request.calibration, input_spec, at_most=request.pictures, say=say)
    softened = soften_half(found, seed=_CALIBRATION_SEED)
    return softened, described(found)


def _judged(request: QuantizeRequest, input_spec: InputSpec, say: Say) -> NDArray[np.uint8]:
    if request.judged is not None:
        return pictures.folder(request.judged, input_spec, at_most=2 * request.pictures, say=say)
    return calibration_pictures(input_spec, count=request.pictures, seed=_JUDGED_SEED)[0]


def _spec(old: ModelSpec, outcome: Outcome, origin: str) -> ModelSpec:
    """The int8 file's spec; its parity is to the float file, whose own is to Keras."""
    fidelity = outcome.fidelity
    parity = Parity(
        images=fidelity.pictures,
        relative_l2_mean=fidelity.relative_l2_mean,
        relative_l2_max=fidelity.relative_l2_max,
        cosine_mean=fidelity.cosine_mean,
        cosine_p1=fidelity.cosine_p1 if fidelity.pictures >= 100 else None,
        cosine_min=fidelity.cosine_min,
        neighbour_overlap_10=fidelity.neighbour_overlap_10,
        extra={"against": old.fingerprint},
    )
    return replace(
        old,
        precision="int8",
        parity=parity,
        fingerprint=fingerprint_of(outcome.quantized.model, old.input, old.outputs),
        extra={**old.extra, "quantization": outcome.record(origin)},
    )


def _write(model: onnx.ModelProto, spec: ModelSpec, target: Path) -> ModelSpec:
    with temporary_beside(target) as path:
        stamp(model, spec, path)
        spec = _with_probe(path, spec)
        stamp(model, spec, path)
        path.replace(target)
    return spec


def _with_probe(path: Path, spec: ModelSpec) -> ModelSpec:
    """Keep Keras's expected features; say how near int8 comes, and its exact bytes."""
    probe = spec.probe
    if probe is None:
        return spec
    image = probe_image(probe.seed, spec.input.size_hw, spec.input.channels)
    with FeatureExtractor(path, outputs="features") as extractor:
        got = extractor.extract_prepared(image[np.newaxis])[0].reshape(-1)
    expected = np.frombuffer(base64.b64decode(probe.expected), "<f2").astype(np.float32)
    measured = float(np.linalg.norm(got - expected) / np.linalg.norm(expected))
    return replace(
        spec,
        probe=replace(
            probe,
            relative_l2_max=round(_PROBE_SLACK * measured + _PROBE_FLOOR, 6),
            features_sha256=features_sha256(got),
        ),
    )


def _name(model: Path, spec: ModelSpec) -> str:
    stem = model.stem.removesuffix(f"_{spec.precision}")
    return f"{stem}_int8{model.suffix}"
