"""What every precision of one network is made from: loaded, cut, converted, cleaned, reduced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.cut import headless, reduction
from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph import audit, convert, uint8_input
from edgefeat_export.graph import pipeline as passes
from edgefeat_export.networks import load
from edgefeat_export.networks.network import Network
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.pipeline import names
from edgefeat_export.pipeline.request import BuildRequest, Say
from edgefeat_export.proof import pictures
from edgefeat_export.proof.reference import KerasReference

__all__ = ["Material", "float_graph", "prepare"]

_SHOWN: Final = 4  # candidates for the cut that are told, the one taken included


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What every precision of one network is made from and compared with.

    Attributes:
        request: What was asked for.
        network: The network that was loaded.
        fp32: The clean float graph of the network, without reduction.
        reference: Keras's features, reduction included.
        judged: Pictures to verify with, uint8 `(N, height, width, channels)`.
    """

    request: BuildRequest
    network: Network
    fp32: onnx.ModelProto
    reference: KerasReference
    judged: NDArray[np.uint8]


def prepare(request: BuildRequest, say: Say) -> Material:
    """Load, cut, convert and clean the network, and fit what comes behind it.

    Raises:
        BackboneError: The network or its weights cannot be found, loaded or cut.
        ConversionError: A catalogue backbone does not come out clean.
        ExportError: Pictures cannot be read, or are too few to fit a PCA to.
    """
    say(f"loading {request.network.name}")
    network = load.load_network(request.network, headless.layers_of(request.taps))
    if request.network.export_name is None:
        network = replace(network, name=names.name_of_cut(network.name, request.taps))
    say(f"pixels enter it {network.normalisation.describe()}: {network.range_known_by}")
    body = network.cut(request.taps, take_first=request.take_first)
    _say_cut(network, body, request, say)
    say("converting to ONNX and cleaning the graph")
    fp32 = float_graph(body, network.normalisation)
    _require_clean(fp32, network, say)
    keras = KerasReference(headless=body, normalisation=network.normalisation)
    return Material(
        request=request,
        network=network,
        fp32=fp32,
        reference=replace(keras, reduction=_fitted(request, network, keras, say)),
        judged=pictures.for_verification(request.images, network.input, say=say),
    )


def float_graph(body: headless.Headless, normalisation: Normalisation) -> onnx.ModelProto:
    """Return the clean float graph of a headless model, with a uint8 picture as its input.

    Raises:
        ConversionError: The model cannot be converted, or its graph cannot be cleaned.
    """
    converted = convert.to_onnx(body.model, [output.name for output in body.outputs])
    cleaned = passes.clean(converted)
    return uint8_input.with_uint8_input(cleaned, normalisation)


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
        if not head.sure:
            say(f"{head.doubt}; the first of {len(head.candidates)} candidates is taken")
        say(f"cut at layer {head.layer!r}: {head.reason}")
        if others := ", ".join(map(str, head.candidates[1:_SHOWN])):
            say(f"other candidates for --layer: {others}")
    for output in body.outputs:
        shape = "x".join(str(side) for side in output.shape)
        pooled = f", {output.pooling} pooling" if output.pooling else ""
        say(f"output {output.name!r}: {shape} from layer {output.source_layer!r}{pooled}")
