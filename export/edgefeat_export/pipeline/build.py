"""The export, step by step.

    material  load the network, cut it, convert it, clean its graph, fit the reduction
    graph     for each precision: quantize to int8, or store as fp16, or leave as it is
    drafts    stamp each graph, measure it through edgefeat, require its gates, make its probe
    publish   put all files in place, or none; then write the card

A network that takes columns in place of a picture goes another way (`pipeline.tables`).

Files appear only when everything asked for has passed; until then nothing is replaced.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import onnx

from edgefeat.errors import OptionError
from edgefeat_export import border
from edgefeat_export.columns import opening
from edgefeat_export.cut import headless
from edgefeat_export.cut.reduction import Pca
from edgefeat_export.errors import VerificationError
from edgefeat_export.graph import half
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.pipeline import card, drafts, int8, multimodal, publish, specs, tables
from edgefeat_export.pipeline import material as materials
from edgefeat_export.pipeline.material import Material
from edgefeat_export.pipeline.request import (
    BuildRequest,
    Int8Request,
    Say,
    network_of,
    path_of,
    precisions_of,
    silent,
)
from edgefeat_export.pipeline.results import BuildResult
from edgefeat_export.precision import Precision
from edgefeat_export.proof import calibration
from edgefeat_export.proof import gates as gate_limits
from edgefeat_export.quant.targets import Target

__all__ = ["build"]

_UNCHANGED: Final[Mapping[str, float | None]] = MappingProxyType({})


def build(
    network: str | os.PathLike[str] | NetworkRequest,
    output: str | os.PathLike[str] = "models",
    *,
    layers: Sequence[str | headless.Tap] = (),
    pooling: str | None = None,
    take_first: bool = False,
    reduce: str | Pca | None = None,
    l2: bool = False,
    precisions: Sequence[str] | None = None,
    calibrate: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    rows: str | os.PathLike[str] | None = None,
    max_text: int | None = None,
    gates: Mapping[str, float | None] = _UNCHANGED,
    target: str | Target | None = None,
    max_bytes: int | None = None,
    max_latency_ratio: float | None = None,
    say: Say = silent,
) -> BuildResult:
    """Build, verify and write the model files of one network, and a card that describes them.

        build("mobilenet_v2", "models", layers=["block_6_expand_relu", "block_16_project:gem"])

    Args:
        network: A backbone of the catalogue, the path of a saved model, or a `NetworkRequest` with
            options of its own. A saved model may take a picture, or columns of a table and texts.
        output: Folder for the files; made if it is not there.
        layers: Where features leave the network: names of layers, such as `block3`, with their
            pooling, such as `block5:gem`, or `Tap`s. The first becomes the primary output. Empty
            cuts where the features end: before a classifier, behind an embedding, where an
            autoencoder is narrowest.
        pooling: How maps become vectors where a layer does not say so itself: `avg`, `max`, `gem`,
            or `none` to keep the map (height, width, channels); of tokens (tokens, channels) `cls`
            takes the first. None averages.
        take_first: Whether to cut at the first candidate where it is not sure where the features
            end, instead of refusing.
        reduce: Principal components of the primary output, inside the file: `pca:K`,
            `pca:K,whiten` or a `Pca`; needs `calibrate`.
        l2: Whether to scale the primary output to unit length, inside the file.
        precisions: Some of `fp32`, `fp16` and `int8`. None builds fp32, and int8 if it holds its
            gates and is faster than fp32.
        calibrate: Folder of pictures to calibrate int8 on and to fit the PCA to; None calibrates
            on photos that packages ship.
        images: Folder of other pictures to verify with; None takes the shipped samples.
        rows: CSV or Parquet file with rows of your own to measure on and to fit the PCA to, of a
            network that takes columns. Nothing of them is kept but the names of columns.
        max_text: Characters that a text may have, of a network that takes texts; None is 4096.
        gates: Limits to change, by `PRECISION.GATE`, such as `{"int8.cosine_mean": 0.97}`; None
            takes a limit away. See `edgefeat_export.proof.gates`.
        target: The devices that int8 is for: `any`, `x86-vnni`, `x86`, `arm64-dot`, `arm64`, or
            `auto:FILE` with the output of `edgefeat doctor --json`. None is `any`.
        max_bytes: Largest allowed int8 model, in bytes.
        max_latency_ratio: Longest allowed latency of int8 over that of fp32, both timed here.
        say: Takes lines of progress.

    Returns:
        The files with their specs, sizes and parities, what was left out, and the card.

    Raises:
        BackboneError: The network or its weights cannot be found, loaded or cut.
        ConversionError: The graph is not what was asked for.
        VerificationError: A gate was missed.
        ExportError: Pictures or files cannot be read or written.
        OptionError: An option makes no sense, or nothing would use it; or it is not sure where the
            features end: the message lists candidates.

    No model file is written or replaced unless all of them have passed. The card comes last.
    """
    built = precisions_of(precisions)
    if precisions is None and max_latency_ratio is None:
        max_latency_ratio = 1.0  # int8 was not asked for by name: keep it only if it is faster
    request = BuildRequest(
        network=network_of(network),
        taps=headless.taps_at(layers, pooling),
        take_first=take_first,
        reduce=Pca.parse(reduce) if isinstance(reduce, str) else reduce,
        l2=l2,
        precisions=built,
        may_leave_out=(Precision.INT8,) if precisions is None else (),
        gates=gate_limits.changed(gates, precisions=built),
        calibrate=path_of(calibrate),
        images=path_of(images),
        rows=path_of(rows),
        max_text=max_text,
        output=Path(output),
        int8=Int8Request.of(target, max_bytes, max_latency_ratio, precisions=built),
    )
    with border.explained("it cannot be built", where=request.network.name, remedy=border.REPORT):
        if opening.is_table(request.network.name):
            return tables.build_table(request, say)
        if opening.is_multimodal(request.network.name):
            found = multimodal.build_multimodal(request, say)
            if found is not None:
                return found
        return _build(request, say)


def _build(request: BuildRequest, say: Say) -> BuildResult:
    for option in ("rows", "max_text"):
        if getattr(request, option) is not None:
            raise OptionError(
                "is for networks that take columns, and this one takes pictures",
                where=request.network.name,
                option=option,
                remedy="Leave it out.",
            )
    with publish.output_folder(request.output):
        material = materials.prepare(request, say)
        proven, left_out = _proven(material, say)
        for old in publish.replaced(proven):
            say(f"note: {old} had other outputs and is replaced; choose a name to keep both")
        files = publish.publish(proven)
        path = card.write_card(files[0].spec, request.output, say=say)
    for written in (*(file.path for file in files), path):
        say(f"wrote {written}")
    return BuildResult(files=files, left_out=left_out, card=path)


def _proven(
    material: Material, say: Say
) -> tuple[list[drafts.Draft], dict[Precision, VerificationError]]:
    """Bring the graph to each precision and prove it; one that may be left out may fail."""
    proven: list[drafts.Draft] = []
    left_out: dict[Precision, VerificationError] = {}
    for precision in material.request.precisions:
        try:
            proven.append(_draft(material, precision, say))
        except VerificationError as error:
            if precision not in material.request.may_leave_out:
                raise
            left_out[precision] = error
            say(f"{precision} is left out, the other files hold their gates: {error}")
    return proven, left_out


def _draft(material: Material, precision: Precision, say: Say) -> drafts.Draft:
    request, reference = material.request, material.reference
    model, made = _graph(material, precision, say)
    outputs = reference.reduction.describe(reference.headless.outputs)
    spec = specs.make_spec(model, precision, material.network, outputs)
    spec = replace(spec, extra={**spec.extra, **made})
    say(f"verifying {precision} against Keras on {len(material.judged)} pictures")
    return drafts.prove(
        model,
        spec,
        request.output / specs.file_name(spec),
        reference=reference,
        pictures=material.judged,
        limits=request.gates[precision],
        probe=specs.probe_by(reference, spec),
        photos=request.calibrate,
        say=say,
    )


def _graph(
    material: Material, precision: Precision, say: Say
) -> tuple[onnx.ModelProto, dict[str, object]]:
    """Return the graph in a precision, and what the spec keeps of how it was made."""
    request, behind = material.request, material.reference.reduction
    if precision is Precision.INT8:
        made = int8.to_int8(
            material.fp32,
            behind,
            calibration.for_calibration(request.calibrate, material.network.input, say=say),
            material.judged,
            request.int8,
            gates=request.gates[precision],
            say=say,
        )
        return made.model, {"quantization": made.record}
    model = behind.append(material.fp32)
    return (half.with_half_weights(model) if precision is Precision.FP16 else model), {}
