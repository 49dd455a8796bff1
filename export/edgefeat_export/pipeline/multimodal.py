"""The export of a network that takes one picture and columns, to one file.

open    load the saved model flat, cut it, take it apart where picture and columns come together
write   the picture's part as any network for pictures, the rest as any network for columns; join
prove   the rest on rows made by rule; the whole on pictures with such rows, against Keras
publish stamp, self-test, rename; then the card
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx

from edgefeat.errors import OptionError
from edgefeat.measures import agreement
from edgefeat.model.probe import GENERATOR, probe_image
from edgefeat.model.spec import SPEC_VERSION_WITH_INPUTS, ModelSpec, OutputKind, OutputSpec, Probe
from edgefeat_export.columns import (
    assembly,
    cut,
    describing,
    junction,
    opening,
    operators,
    refusals,
    verify,
)
from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.flat import columns_of
from edgefeat_export.columns.probe import row_of
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.ruled_rows import Arrays, ordinary_rows
from edgefeat_export.cut.headless import Headless
from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.networks import load
from edgefeat_export.networks.network import Network, file_safe
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.pipeline import material, publish, specs, table_card, tables
from edgefeat_export.pipeline.drafts import Draft
from edgefeat_export.pipeline.request import BuildRequest, Say
from edgefeat_export.pipeline.results import BuildResult
from edgefeat_export.precision import Precision
from edgefeat_export.proof import gates, pictures, stamp

__all__ = ["build_multimodal"]

_PROBE_ROWS: Final = 4
_SEED: Final = 1
_SLACK, _FLOOR = 2.0, 1e-5  # other CPUs add in another order


@dataclass(frozen=True, slots=True, kw_only=True)
class _PairReference(TableReference):
    """Keras on a picture, uint8 as the graph takes it, and columns.

    Attributes:
        picture: Position of the picture among the inputs.
        normalisation: What the network expects of a pixel.
    """

    picture: int
    normalisation: Normalisation

    def _run(self, arrays: Arrays) -> list[Any]:
        given = list(arrays)
        given[self.picture] = self.normalisation.apply(given[self.picture])
        return TableReference._run(self, given)


def build_multimodal(request: BuildRequest, say: Say) -> BuildResult | None:
    """Build, verify and write the model file of a network for a picture and columns, and a card.

    Args:
        request: What to build.
        say: Takes lines of progress.

    Returns:
        The file; None if what is asked for hangs on the picture alone.

    Raises:
        BackboneError: The model cannot be loaded, cut, or written exactly.
        ConversionError: An operator has no translation.
        VerificationError: Its features are not Keras's.
        OptionError: An option makes no sense here.
    """
    path = Path(request.network.name)
    name = file_safe(request.network.export_name or path.stem)
    network = load.load_network(request.network)
    opened = opening.open_table(
        path, name=name, allow_code=request.network.allow_code, code=request.network.code
    )
    body, head = cut.cut(opened.model, request.taps)
    parts = junction.take_apart(body)
    if not parts.mixed:
        return None
    _refuse_options(request)
    say(f"loaded {request.network.name}: a picture and columns")
    if head is not None:
        say(f"cut at layer {head.layer!r}: {head.reason}")
    say(f"pixels enter it {network.normalisation.describe()}: {network.range_known_by}")
    refusals.require_exact(body.model, opened.sizes)
    with publish.output_folder(request.output):
        draft = _proven(request, network, body, parts, name, say)
        files = publish.publish([draft])
        card = table_card.write_card(files[0], request.output, own=False)
    for file in (files[0].path, card):
        say(f"wrote {file}")
    return BuildResult(files=files, left_out={}, card=card)


def _refuse_options(request: BuildRequest) -> None:
    for option in ("calibrate", "reduce", "rows"):
        if getattr(request, option) is not None:
            raise OptionError(
                "is for networks that take a picture or columns, and this one takes both",
                where=request.network.name,
                option=option,
                remedy="Leave it out.",
            )
    if not request.may_leave_out and set(request.precisions) != {Precision.FP32}:
        raise OptionError(
            "a network for a picture and columns is built as fp32, got"
            f" {','.join(request.precisions)}",
            where=request.network.name,
            option="precisions",
            remedy="Leave it out.",
        )


def _proven(
    request: BuildRequest,
    network: Network,
    body: Headless,
    parts: junction.NetworkParts,
    name: str,
    say: Say,
) -> Draft:
    file = f"{name}_{Precision.FP32}.onnx"
    say("writing its layers as ONNX")
    drawn = assembly.to_graph(parts.rest, body.outputs)
    operators.require_sound(drawn.model, where=name)
    position = junction.picture_of(body.model)
    photo = columns_of(body.model)[position].name
    say("verifying its columns against Keras on rows made by rule")
    rest = TableReference(headless=Headless(model=parts.rest, outputs=body.outputs))
    verified = verify.verify(GraphRun(drawn.model, drawn.columns), rest, drawn.columns, file=file)
    reduction = Reduction(l2=request.l2)
    model = reduction.append(_whole(parts, drawn.model, network, photo))
    known = {column.name: column for column in drawn.columns}
    columns = [known.get(one.name, one) for one in columns_of(body.model)]
    reference = _PairReference(
        headless=body,
        reduction=reduction,
        picture=position,
        normalisation=network.normalisation,
    )
    images = pictures.for_verification(request.images, network.input, say=say)
    arrays = _beside(columns, position, images)
    say(f"verifying it against Keras on {len(images)} pictures with a row each")
    run = GraphRun(model, columns)
    parities = verify.measure(run, reference, arrays, columns, file=file)
    limits = request.gates[Precision.FP32]
    gates.require(parities, limits, file=file, reference=reference.name)
    own = [column for place, column in enumerate(columns) if place != position]
    limit = tables.text_limit(tuple(own), request.max_text)
    inputs = (
        replace(network.input, name=photo),
        *(
            describing.describe(
                column, takes_nan=column.name in verified.takes_nan, max_chars=limit
            )
            for column in own
        ),
    )
    outputs = reduction.describe(body.outputs)
    spec = ModelSpec(
        spec_version=SPEC_VERSION_WITH_INPUTS,
        name=name,
        precision=Precision.FP32.value,
        inputs=inputs,
        outputs=outputs,
        source=tables.source_of(request, name),
        parity=replace(specs.merged_parity(parities), images=len(images)),
        probe=_probe(run, reference, columns, network),
        fingerprint=stamp.fingerprint_of(model, inputs, outputs),
    )
    return Draft(
        path=request.output / specs.file_name(spec), model=model, spec=spec, parities=parities
    )


def _whole(
    parts: junction.NetworkParts, rest: onnx.ModelProto, network: Network, photo: str
) -> onnx.ModelProto:
    """Return the graph of both parts, its picture named as the network has it."""
    counts = [prod(tensor.shape[1:]) for tensor in parts.picture.outputs]
    joints = tuple(
        OutputSpec(name=joint, kind=OutputKind.VECTOR, shape=(count,), source_layer=joint)
        for joint, count in zip(parts.joints, counts, strict=True)
    )
    front = material.float_graph(
        Headless(model=parts.picture, outputs=joints), network.normalisation
    )
    model = junction.joined(front, rest, parts.joints)
    (was,) = [one.name for one in front.graph.input]
    for value in model.graph.input:
        value.name = photo if value.name == was else value.name
    for node in model.graph.node:
        node.input[:] = [photo if one == was else one for one in node.input]
    return model


def _beside(columns: list[KerasColumn], position: int, images: Any) -> Arrays:
    """Return the inputs of pictures with a row made by rule each, in the network's order."""
    own = [column for place, column in enumerate(columns) if place != position]
    arrays: Arrays = ordinary_rows(own, len(images))
    arrays.insert(position, images)
    return arrays


def _probe(
    run: GraphRun, reference: _PairReference, columns: list[KerasColumn], network: Network
) -> Probe:
    """Return the self-test: the probe picture, with a few rows made by rule beside it."""
    height, width = network.input.size_hw
    image = probe_image(_SEED, (height, width), network.input.channels)
    images = np.repeat(image[np.newaxis], _PROBE_ROWS, axis=0)
    arrays = _beside(columns, reference.picture, images)
    wanted = reference.features(arrays)[0]
    (ours,) = run.features(arrays, [reference.headless.outputs[0].name])
    measured = float(agreement.relative_l2(wanted, ours).max())
    own = [(c, a) for place, (c, a) in enumerate(zip(columns, arrays, strict=True))
           if place != reference.picture]  # fmt: skip
    rows = tuple(row_of([c for c, _ in own], [a for _, a in own], n) for n in range(_PROBE_ROWS))
    return Probe(
        generator=GENERATOR,
        seed=_SEED,
        size_hw=(height, width),
        rows=rows,
        expected=base64.b64encode(wanted.astype("<f4").tobytes()).decode(),
        expected_dtype="float32",
        relative_l2_max=float(f"{_SLACK * measured + _FLOOR:.2e}"),
    )
