"""A finished float file becomes a finished int8 file, by the same steps as in `build`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import onnx

from edgefeat import atomic
from edgefeat.model.file import read_model_file
from edgefeat.model.spec import ModelSpec
from edgefeat.options import checks
from edgefeat_export.cut import reduction
from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline import drafts, int8, publish, specs
from edgefeat_export.pipeline.request import Int8Request, Say, path_of, silent
from edgefeat_export.pipeline.results import QuantizedFile
from edgefeat_export.precision import Precision
from edgefeat_export.proof import calibration, pictures, stamp
from edgefeat_export.proof import gates as gate_limits
from edgefeat_export.proof.reference import FileReference
from edgefeat_export.quant import report as reports
from edgefeat_export.quant.targets import Target

__all__ = ["quantize"]

_UNCHANGED: Final[Mapping[str, float | None]] = MappingProxyType({})


def quantize(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    calibrate: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    calibration_pictures: int = calibration.CALIBRATION_PICTURES,
    gates: Mapping[str, float | None] = _UNCHANGED,
    target: str | Target | None = None,
    max_bytes: int | None = None,
    max_latency_ratio: float | None = None,
    report: str | os.PathLike[str] | None = None,
    say: Say = silent,
) -> QuantizedFile:
    """Make an int8 file from a float one, compare their features, and write it.

        quantize("models/my_model_224_fp32.onnx", calibrate="photos/", report="int8.html")

    Args:
        model: An fp32 file that `build` made.
        output: The int8 file; None puts it beside the model.
        calibrate: Folder of pictures like those that the model will see; None takes photos that
            packages ship.
        images: Folder of other pictures to measure on; None takes the shipped samples.
        calibration_pictures: How many pictures to calibrate on, at most.
        gates: Limits to change, such as `{"int8.cosine_mean": 0.97}`; None takes a limit away. The
            float file is what is compared with. See `edgefeat_export.proof.gates`.
        target: The devices that it is for; see `build`.
        max_bytes: Largest allowed int8 model, in bytes.
        max_latency_ratio: Longest allowed latency over the float file's, both timed here.
        report: Where to write an HTML page on what each layer lost; None writes none.
        say: Takes lines of progress.

    Returns:
        The file with its spec, size and parity to the float file, and what stayed in float.

    Raises:
        VerificationError: A gate was missed.
        ExportError: It is no fp32 file, or pictures or files cannot be read or written.
        ModelError: The file is damaged or not one of edgefeat.
        OptionError: An option makes no sense.

    The file is not written or replaced unless it has passed. The report comes last.
    """
    source = Path(model)
    count = checks.whole_number("calibration_pictures", calibration_pictures)
    request = Int8Request.of(target, max_bytes, max_latency_ratio)
    limits = gate_limits.changed(gates, precisions=(Precision.INT8,))[Precision.INT8]
    spec = _float_spec(source)
    network, behind = _float_graph(source)
    path = path_of(output) or source.with_name(f"{source.stem.removesuffix('_fp32')}_int8.onnx")
    page = path_of(report)
    if page is not None:
        atomic.check_place(page, error=ExportError)
    judged = pictures.for_verification(path_of(images), spec.input, say=say)
    with publish.output_folder(path.parent):
        calibrating = calibration.for_calibration(
            path_of(calibrate), spec.input, count=count, say=say
        )
        made = int8.to_int8(network, behind, calibrating, judged, request, gates=limits, say=say)
        say(f"verifying int8 against {source.name} on {len(judged)} pictures")
        draft = drafts.prove(
            made.model,
            _int8_spec(spec, made),
            path,
            reference=FileReference(path=source),
            pictures=judged,
            limits=limits,
            probe=_probe(spec, say),
            photos=path_of(calibrate),
            say=say,
        )
        (file,) = publish.publish([_against(draft, spec.fingerprint)])
    say(f"wrote {path}")
    if page is not None:
        _write_report(page, spec.name, made, calibrating.origin, source)
        say(f"wrote {page}")
    return QuantizedFile(
        path=file.path,
        spec=file.spec,
        size_bytes=file.size_bytes,
        parities=file.parities,
        float_size_bytes=source.stat().st_size,
        kept_float=made.outcome.quantized.kept_float,
        report=page,
    )


def _float_spec(source: Path) -> ModelSpec:
    spec = read_model_file(source).spec
    if spec.precision != Precision.FP32:
        raise ExportError(
            f"expected an fp32 model, got {spec.precision}",
            where=source,
            remedy="Give its fp32 file.",
        )
    return spec


def _float_graph(source: Path) -> tuple[onnx.ModelProto, reduction.Reduction]:
    """Return the graph as `build` quantizes it, and the reduction behind it."""
    model = onnx.load(source)
    del model.metadata_props[:]  # the float file's spec counts in no size of the int8 graph
    return reduction.detach(model)


def _int8_spec(spec: ModelSpec, made: int8.Int8Graph) -> ModelSpec:
    """Return what the int8 file says before anything was measured."""
    return replace(
        spec,
        precision=Precision.INT8.value,
        parity=None,
        probe=None,
        similarity=None,
        fingerprint=stamp.fingerprint_of(made.model, spec.input, spec.outputs),
        extra={**spec.extra, "quantization": made.record},
    )


def _probe(spec: ModelSpec, say: Say) -> specs.ProbeImage | None:
    """Return the float file's probe, whose features are Keras's."""
    if spec.probe is None:
        say("note: the float file carries no probe, so the int8 file has no self-test either")
        return None
    return specs.probe_in(spec.probe)


def _against(draft: drafts.Draft, fingerprint: str) -> drafts.Draft:
    """Return the draft with a parity that says which float file it is to."""
    parity = draft.spec.parity
    if parity is None:
        return draft
    parity = replace(parity, extra={**parity.extra, "against": fingerprint})
    return replace(draft, spec=replace(draft.spec, parity=parity))


def _write_report(page: Path, name: str, made: int8.Int8Graph, origin: str, source: Path) -> None:
    text = reports.report_page(
        name, made.outcome, size_before=source.stat().st_size, calibration=origin
    )
    atomic.write_text(page, text, error=ExportError)
