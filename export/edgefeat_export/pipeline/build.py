"""The export, step by step: load, cut, convert, clean, reduce, quantize, verify, stamp, publish.

Files appear only when everything asked for has passed; until then nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray

from edgefeat.model.shipped import sample_photos
from edgefeat.model.spec import InputSpec
from edgefeat_export.cut.headless import Headless, cut
from edgefeat_export.cut.reduction import Reduction, fit
from edgefeat_export.errors import BackboneError, ConversionError, VerificationError
from edgefeat_export.graph.audit import require_clean
from edgefeat_export.graph.convert import to_onnx
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.graph.precisions import PRECISIONS, in_float
from edgefeat_export.graph.soundness import require_sound
from edgefeat_export.graph.uint8_input import with_uint8_input
from edgefeat_export.networks.backbones import load_backbone
from edgefeat_export.networks.network import Network, file_safe, is_model_file, of_backbone, of_file
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.pipeline.card import write_card
from edgefeat_export.pipeline.publish import Draft, make_folder, publish
from edgefeat_export.pipeline.request import BuildRequest, Built, NetworkRequest
from edgefeat_export.pipeline.specs import file_name, make_probe, make_spec, merged_parity
from edgefeat_export.proof import pictures
from edgefeat_export.proof.calibration import calibration_pictures, described, soften_half
from edgefeat_export.proof.gates import require
from edgefeat_export.proof.reference import KerasReference
from edgefeat_export.proof.stamp import stamp, temporary_beside
from edgefeat_export.proof.verify import measure
from edgefeat_export.quant.search import Outcome, search

__all__ = [
    "PRECISIONS",
    "BuildRequest",
    "Built",
    "NetworkRequest",
    "build",
    "convert",
    "load_network",
]

Say = Callable[[str], None]
_CALIBRATION_SEED, _VERIFICATION_SEED = 1, 2
_DRAWN = 8  # synthetic ones among the pictures to verify with, if the user gives none


def build(request: BuildRequest, *, say: Say = lambda _line: None) -> list[Built]:
    """Build, verify and write the model files that a request names.

    Raises:
        ExportError: A step failed or a gate was missed; nothing was written or replaced.
    """
    make_folder(request.output)
    say(f"loading {request.network.name}")
    network = load_network(request.network)
    headless = cut(network.model, request.taps, end=network.head.layer)
    _say_cut(network, headless, request, say)
    say("converting to ONNX and cleaning the graph")
    fp32 = convert(headless, network.normalisation)
    _require_quality(fp32, network, say)
    reference = KerasReference(headless=headless, normalisation=network.normalisation)
    reference = replace(reference, reduction=_fit(request, network.input, reference, say))
    job = _Job(request, network, reference, say)
    drafts = list(job.drafts(fp32))
    built = publish(drafts, request.output)
    card = write_card(built, request.output)
    for path in (*(one.path for one in built), card):
        say(f"wrote {path}")
    return built


def load_network(request: NetworkRequest) -> Network:
    """Load a backbone of the catalogue or a model the user saved.

    Raises:
        BackboneError: It cannot be found, loaded or understood, or an option does not apply to it.
    """
    tf.keras.utils.clear_session()  # names that Keras numbers start at 1 again: equal bytes
    if is_model_file(request.name):
        if request.weights != "imagenet" or request.alpha or request.minimalistic:
            raise BackboneError(
                f"{request.name}: expected no weights, alpha or minimalistic, which choose among"
                " catalogue backbones; a saved model has its own: leave them out"
            )
        return of_file(
            Path(request.name),
            normalisation=request.normalisation,
            size_hw=request.size_hw,
            name=request.title,
            licence=request.licence,
            allow_code=request.allow_code,
            code=request.code,
        )
    if request.normalisation or request.allow_code or request.code or request.licence:
        raise BackboneError(
            f"{request.name}: expected no input range, normalisation, licence or code for a"
            " catalogue backbone, whose own are known; leave them out, or give a saved model's path"
        )
    network = of_backbone(
        load_backbone(
            request.name,
            weights=request.weights,
            size_hw=request.size_hw,
            alpha=request.alpha,
            minimalistic=request.minimalistic,
        )
    )
    return replace(network, name=file_safe(request.title)) if request.title else network


def convert(headless: Headless, normalisation: Normalisation) -> onnx.ModelProto:
    """Return the clean float graph with uint8 input."""
    names = [output.name for output in headless.outputs]
    return with_uint8_input(clean(to_onnx(headless.model, names)), normalisation)


class _Job:
    """One request under way: what its precisions share."""

    def __init__(
        self, request: BuildRequest, network: Network, reference: KerasReference, say: Say
    ) -> None:
        self._request, self._network, self._reference = request, network, reference
        self._say, self._origin = say, ""
        self._outputs = reference.reduction.describe(reference.headless.outputs)
        self._verification = self._verification_pictures()

    def drafts(self, fp32: onnx.ModelProto) -> Iterator[Draft]:
        """Bring the graph to each precision, or say why one that may be left out is."""
        for precision in self._request.precisions:
            try:
                yield self._draft(fp32, precision)
            except VerificationError as error:
                if precision not in self._request.may_leave_out:
                    raise
                self._say(f"{precision} left out, the other files hold: {error}")

    def _draft(self, fp32: onnx.ModelProto, precision: str) -> Draft:
        reduction, made = self._reference.reduction, {}
        if precision == "int8":
            outcome = self._quantized(fp32)
            model = reduction.append(outcome.quantized.model)
            made = {"quantization": outcome.record(self._origin)}
        else:
            model = in_float(fp32, precision, reduction)
        spec = make_spec(model, precision, self._network, self._outputs)
        spec = replace(spec, extra={**spec.extra, **made})
        require_sound(model, spec)
        name = file_name(spec)
        with temporary_beside(self._request.output / name) as path:
            stamp(model, spec, path)
            self._say(f"verifying {precision} against Keras on {len(self._verification)} pictures")
            parities = measure(path, self._reference, self._verification)
            require(parities, self._request.gates[precision], name)
            parity = merged_parity(parities)
            probe = make_probe(path, spec, self._reference)
        return Draft(model=model, spec=replace(spec, parity=parity, probe=probe))

    def _quantized(self, fp32: onnx.ModelProto) -> Outcome:
        request = self._request
        return search(
            fp32,
            self._calibration(),
            self._verification,
            target=request.target,
            gates=request.gates["int8"],
            limits=request.limits,
            say=self._say,
        )

    def _calibration(self) -> NDArray[np.uint8]:
        request = self._request
        count, input_spec = request.calibration_images, self._network.input
        if request.calibration is not None:
            found = pictures.folder(request.calibration, input_spec, at_most=count, say=self._say)
            images, self._origin = soften_half(found, seed=_CALIBRATION_SEED), described(found)
        else:
            images, self._origin = calibration_pictures(
                input_spec, count=count, seed=_CALIBRATION_SEED
            )
        self._say(f"quantizing with {self._origin}")
        return images

    def _verification_pictures(self) -> NDArray[np.uint8]:
        """The user's pictures; else crops of the samples and some synthetic ones."""
        request, input_spec = self._request, self._network.input
        count = request.verification_images
        if request.images is not None:
            return pictures.folder(request.images, input_spec, at_most=count, say=self._say)
        photos = pictures.crops(
            sample_photos(), input_spec, count=count - _DRAWN, seed=_VERIFICATION_SEED
        )
        return np.concatenate([photos, pictures.drawn(input_spec, count=_DRAWN)])


def _fit(
    request: BuildRequest, input_spec: InputSpec, reference: KerasReference, say: Say
) -> Reduction:
    """Fit what happens behind the network to every picture of the calibration folder."""
    folder = request.calibration
    if request.reduce is None or folder is None:
        return Reduction(l2=request.l2)
    say(f"fitting {request.reduce.components} components to the pictures of {folder}")

    def features() -> Iterator[NDArray[np.float32]]:
        for images in pictures.stream(folder, input_spec, say=say):
            yield reference.primary(images)

    projection = fit(request.reduce, features())
    say(
        f"{request.reduce.components} components keep {projection.explained_variance:.1%} of the"
        f" variance of {projection.images} pictures"
    )
    return Reduction(projection=projection, l2=request.l2)


def _require_quality(fp32: onnx.ModelProto, network: Network, say: Say) -> None:
    """A catalogue backbone must come out clean; in the user's own, leftovers are only said."""
    try:
        require_clean(fp32)
    except ConversionError as error:
        if network.in_catalogue:
            raise
        say(f"note: not as fast as it could be: {error}")


def _say_cut(network: Network, headless: Headless, request: BuildRequest, say: Say) -> None:
    if any(tap.layer is None for tap in request.taps):
        say(f"cut at layer {network.head.layer!r}: {network.head.reason}")
    for output in headless.outputs:
        shape = "x".join(str(side) for side in output.shape)
        pooled = f", {output.pooling} pooling" if output.pooling else ""
        say(f"output {output.name!r}: {shape} from layer {output.source_layer!r}{pooled}")
