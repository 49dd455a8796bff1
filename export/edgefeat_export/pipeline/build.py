"""The export, step by step: load, cut, convert, clean, reduce, quantize, verify, stamp, publish.

Files appear only when everything asked for has passed; until then nothing is replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.cut import headless, reduction
from edgefeat_export.cut.reduction import Pca, Reduction
from edgefeat_export.errors import ConversionError, VerificationError
from edgefeat_export.graph import audit, convert, half, uint8_input
from edgefeat_export.graph import pipeline as passes
from edgefeat_export.networks import load
from edgefeat_export.networks.network import Network
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.pipeline import card, drafts, int8, publish, specs
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
from edgefeat_export.proof import calibration, pictures
from edgefeat_export.proof import gates as gate_limits
from edgefeat_export.proof.reference import KerasReference
from edgefeat_export.quant.targets import Target

__all__ = ["build", "float_graph"]

_UNCHANGED: Final[Mapping[str, float | None]] = MappingProxyType({})


def build(
    network: str | os.PathLike[str] | NetworkRequest,
    output: str | os.PathLike[str] = "models",
    *,
    layers: Sequence[str | headless.Tap] = (),
    pooling: str | None = None,
    reduce: str | Pca | None = None,
    l2: bool = False,
    precisions: Sequence[str] | None = None,
    calibrate: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
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
            options of its own.
        output: Folder for the files; made if it is not there.
        layers: Where features leave the network: names of layers, such as `block3`, with their
            pooling, such as `block5:gem`, or `Tap`s. The first becomes the primary output. Empty
            cuts before the classifier.
        pooling: How maps become vectors where a layer does not say so itself: `avg`, `max`, `gem`,
            or `none` to keep the map (height, width, channels). None averages.
        reduce: Principal components of the primary output, inside the file: `pca:K`,
            `pca:K,whiten` or a `Pca`; needs `calibrate`.
        l2: Whether to scale the primary output to unit length, inside the file.
        precisions: Some of `fp32`, `fp16` and `int8`. None builds fp32, and int8 if it holds its
            gates and is faster than fp32.
        calibrate: Folder of pictures to calibrate int8 on and to fit the PCA to; None calibrates
            on photos that packages ship.
        images: Folder of other pictures to verify with; None takes the shipped samples.
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
        OptionError: An option makes no sense, or nothing would use it.

    Whenever an error is raised, no file was written or replaced.
    """
    built = precisions_of(precisions)
    if precisions is None and max_latency_ratio is None:
        max_latency_ratio = 1.0  # int8 that nobody asked for must be worth its file
    return _build(
        BuildRequest(
            network=network_of(network),
            taps=headless.taps_at(layers, pooling),
            reduce=Pca.parse(reduce) if isinstance(reduce, str) else reduce,
            l2=l2,
            precisions=built,
            may_leave_out=(Precision.INT8,) if precisions is None else (),
            gates=gate_limits.changed(gates, precisions=built),
            calibrate=path_of(calibrate),
            images=path_of(images),
            output=Path(output),
            int8=Int8Request.of(target, max_bytes, max_latency_ratio, precisions=built),
        ),
        say,
    )


def float_graph(body: headless.Headless, normalisation: Normalisation) -> onnx.ModelProto:
    """Return the clean float graph of a headless model, with a uint8 picture as its input.

    Raises:
        ConversionError: The model cannot be converted, or its graph cannot be cleaned.
    """
    converted = convert.to_onnx(body.model, [output.name for output in body.outputs])
    cleaned = passes.clean(converted)
    return uint8_input.with_uint8_input(cleaned, normalisation)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Material:
    """What every precision of one network is made from and held against.

    Attributes:
        request: What was asked for.
        network: The network that was loaded.
        fp32: Its clean float graph, without reduction.
        reference: Keras's features, reduction included.
        judged: Pictures to verify with, uint8 `(N, height, width, channels)`.
    """

    request: BuildRequest
    network: Network
    fp32: onnx.ModelProto
    reference: KerasReference
    judged: NDArray[np.uint8]


def _build(request: BuildRequest, say: Say) -> BuildResult:
    with publish.output_folder(request.output):
        material = _prepared(request, say)
        proven, left_out = _proven(material, say)
        files = publish.publish(proven)
        path = card.write_card(files[0].spec, request.output, say=say)
    for written in (*(file.path for file in files), path):
        say(f"wrote {written}")
    return BuildResult(files=files, left_out=left_out, card=path)


def _prepared(request: BuildRequest, say: Say) -> _Material:
    """Load, cut, convert and clean the network, and fit what comes behind it."""
    say(f"loading {request.network.name}")
    network = load.load_network(request.network)
    body = network.cut(request.taps)
    _say_cut(network, body, request, say)
    say("converting to ONNX and cleaning the graph")
    fp32 = float_graph(body, network.normalisation)
    _require_clean(fp32, network, say)
    keras = KerasReference(headless=body, normalisation=network.normalisation)
    return _Material(
        request=request,
        network=network,
        fp32=fp32,
        reference=replace(keras, reduction=_fitted(request, network, keras, say)),
        judged=pictures.for_verification(request.images, network.input, say=say),
    )


def _proven(
    material: _Material, say: Say
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


def _draft(material: _Material, precision: Precision, say: Say) -> drafts.Draft:
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
    )


def _graph(
    material: _Material, precision: Precision, say: Say
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


def _fitted(request: BuildRequest, network: Network, keras: KerasReference, say: Say) -> Reduction:
    """Return what happens behind the network; a PCA is fitted to the whole calibration folder."""
    folder = request.calibrate
    if request.reduce is None or folder is None:
        return Reduction(l2=request.l2)
    say(f"fitting {request.reduce.components} components to the pictures of {folder}")

    def features() -> Iterator[NDArray[np.float32]]:
        for images in pictures.stream(folder, network.input, say=say):
            yield keras.features(images)[0]

    projection = reduction.fit(request.reduce, features())
    if (fitted := projection.fitted) is not None:
        say(
            f"{request.reduce.components} components keep {fitted.explained_variance:.1%} of the"
            f" variance of {fitted.images} pictures"
        )
    return Reduction(projection=projection, l2=request.l2)


def _require_clean(fp32: onnx.ModelProto, network: Network, say: Say) -> None:
    """Refuse a catalogue backbone that is not clean; of the user's own network, only say it."""
    try:
        audit.require_clean(fp32)
    except ConversionError as error:
        if network.in_catalogue:
            raise
        say(f"note: not as fast as it could be: {error}")


def _say_cut(network: Network, body: headless.Headless, request: BuildRequest, say: Say) -> None:
    if any(tap.layer is None for tap in request.taps):
        head = network.head
        say(f"cut at layer {head.layer!r}: {head.reason}")
    for output in body.outputs:
        shape = "x".join(str(side) for side in output.shape)
        pooled = f", {output.pooling} pooling" if output.pooling else ""
        say(f"output {output.name!r}: {shape} from layer {output.source_layer!r}{pooled}")
