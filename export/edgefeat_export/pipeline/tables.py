"""The export of a network for columns and texts, step by step.

open    load the saved model flat, cut it, refuse what cannot be exact
write   its layers as standard operators, the numeric rest through tf2onnx, merged and audited
prove   on rows made by rule, against Keras; then on the user's own, if there are any
publish stamp, self-test, rename; then the card
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import onnx

from edgefeat.errors import OptionError
from edgefeat.model.columns import MAX_CHARS
from edgefeat.model.spec import SPEC_VERSION_WITH_INPUTS, ModelSpec, SourceSpec
from edgefeat.options import checks
from edgefeat_export.columns import (
    assembly,
    cut,
    describing,
    opening,
    operators,
    refusals,
    verify,
)
from edgefeat_export.columns import probe as probes
from edgefeat_export.columns.column import ColumnKind, KerasColumn
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.table_file import TableRows
from edgefeat_export.cut import reduction as reductions
from edgefeat_export.cut.headless import Headless
from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.networks.network import file_safe
from edgefeat_export.networks.weights import record_of_file
from edgefeat_export.pipeline import publish, specs, table_card
from edgefeat_export.pipeline.drafts import Draft
from edgefeat_export.pipeline.own_rows import read_own
from edgefeat_export.pipeline.request import BuildRequest, Say
from edgefeat_export.pipeline.results import BuildResult
from edgefeat_export.precision import Precision
from edgefeat_export.proof import gates, stamp

__all__ = ["build_table", "source_of", "text_limit"]

_MOST_WORDS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A graph with what it was made from.

    Attributes:
        bare: The graph, without a reduction behind it.
        columns: Inputs, with what the layers told of them.
        headless: The Keras model and its outputs.
        reduction: What happens behind the network.
        own: The user's rows; None if none were given.
    """

    bare: onnx.ModelProto
    columns: tuple[KerasColumn, ...]
    headless: Headless
    reduction: Reduction
    own: TableRows | None


def build_table(request: BuildRequest, say: Say) -> BuildResult:
    """Build, verify and write the model file of a network for columns, and a card.

    Args:
        request: What to build. Options for pictures are refused.
        say: Takes lines of progress.

    Raises:
        BackboneError: The model cannot be loaded, cut, or written exactly.
        ConversionError: An operator has no translation, or ONNX Runtime 1.20 does not have it.
        VerificationError: Its features are not Keras's.
        OptionError: An option makes no sense here.
    """
    _refuse_options(request)
    path = Path(request.network.name)
    name = file_safe(request.network.export_name or path.stem)
    with publish.output_folder(request.output):
        written = _written(request, path, name, say)
        draft = _proven(request, written, name, say)
        files = publish.publish([draft])
        card = table_card.write_card(files[0], request.output, own=request.rows is not None)
    for file in (files[0].path, card):
        say(f"wrote {file}")
    return BuildResult(files=files, left_out={}, card=card)


def _refuse_options(request: BuildRequest) -> None:
    network, where = request.network, request.network.name
    given = {
        "weights": network.weights != "imagenet",
        "alpha": network.alpha is not None,
        "minimalistic": network.minimalistic,
        "size_hw": network.size_hw is not None,
        "input_range": network.input_range is not None,
        "opaque": network.opaque,
        "normalisation": network.normalisation is not None,
        "calibrate": request.calibrate is not None,
        "images": request.images is not None,
    }
    for option, is_given in given.items():
        if is_given:
            raise OptionError(
                "is for networks that take pictures, and this one takes columns",
                where=where,
                option=option,
                remedy="Leave it out.",
            )
    if not request.may_leave_out and set(request.precisions) != {Precision.FP32}:
        raise OptionError(
            f"a network for columns is built as fp32, got {','.join(request.precisions)}: it is a"
            " few kB and answers in less than 1 ms, so fewer bits gain nothing",
            where=where,
            option="precisions",
            remedy="Leave it out.",
        )


def _written(request: BuildRequest, path: Path, name: str, say: Say) -> _Written:
    say(f"loading {request.network.name}")
    opened = opening.open_table(
        path, name=name, allow_code=request.network.allow_code, code=request.network.code
    )
    body, head = cut.cut(opened.model, request.taps)
    if head is not None:
        say(f"cut at layer {head.layer!r}: {head.reason}")
    _say_outputs(opened.model, body, say)
    refusals.require_exact(body.model, opened.sizes)
    say("writing its layers as ONNX")
    graph = assembly.to_graph(body.model, body.outputs)
    for column in graph.columns:
        if len(column.words) > _MOST_WORDS:
            say(
                f"note: column {column.name!r} has a vocabulary of {len(column.words)} words: every"
                " 20,000 make opening the file about 0.1 s longer"
            )
    bare = TableReference(headless=body)
    own = None if request.rows is None else read_own(request.rows, graph.columns, bare, say)
    reduction = _fitted(request, bare, own, say)
    operators.require_sound(reduction.append(graph.model), where=name)
    return _Written(
        bare=graph.model, columns=graph.columns, headless=body, reduction=reduction, own=own
    )


def _fitted(
    request: BuildRequest, reference: TableReference, own: TableRows | None, say: Say
) -> Reduction:
    """Return what happens behind the network; a PCA is fitted to the user's rows."""
    if request.reduce is None or own is None:
        return Reduction(l2=request.l2)
    count = len(own.arrays[0])
    say(f"fitting {request.reduce.components} components to {count} rows of {request.rows}")
    features = reference.features(own.arrays)[0]
    projection = reductions.fit(request.reduce, [features], what="rows")
    if (fitted := projection.fitted) is not None:
        say(f"{request.reduce.components} components keep {fitted.explained_variance:.1%}")
    return Reduction(projection=projection, l2=request.l2)


def _say_outputs(whole: object, body: Headless, say: Say) -> None:
    used = {tensor.name for tensor in body.model.inputs}
    say(f"columns: {', '.join(sorted(used))}")
    for output in body.outputs:
        pooled = f", {output.pooling} pooling" if output.pooling else ""
        say(f"output {output.name!r}: {output.shape[0]} from layer {output.source_layer!r}{pooled}")


def _proven(request: BuildRequest, written: _Written, name: str, say: Say) -> Draft:
    columns, limits = written.columns, request.gates[Precision.FP32]
    file = f"{name}_{Precision.FP32}.onnx"
    say("verifying it against Keras on rows made by rule")
    bare = TableReference(headless=written.headless)
    verified = verify.verify(GraphRun(written.bare, columns), bare, columns, file=file)
    model = written.reduction.append(written.bare)
    run, reference = GraphRun(model, columns), replace(bare, reduction=written.reduction)
    parities = verify.measure(run, reference, verified.rows, columns, file=file)
    gates.require(parities, limits, file=file, reference=reference.name)
    if (own := written.own) is not None:
        say(f"verifying it on {len(own.arrays[0])} rows of {request.rows}")
        parities = verify.measure(run, reference, own.arrays, columns, file=file)
        gates.require(parities, limits, file=file, reference=reference.name)
    if verified.without_features:
        first, *others = verified.without_features
        more = f" and {len(others)} more of the rows tried" if others else ""
        say(
            f"note: Keras itself gives NaN and no features for {first}{more}: such rows will be"
            " refused"
        )
    outputs = reference.reduction.describe(reference.headless.outputs)
    limit = text_limit(columns, request.max_text)
    inputs = tuple(
        describing.describe(
            column,
            takes_nan=column.name in verified.takes_nan,
            max_chars=limit,
            parts=None if own is None else own.parts.get(column.name),
        )
        for column in columns
    )
    spec = ModelSpec(
        spec_version=SPEC_VERSION_WITH_INPUTS,
        name=name,
        precision=Precision.FP32.value,
        inputs=inputs,
        outputs=outputs,
        source=source_of(request, name),
        parity=specs.merged_parity(parities),
        probe=probes.make_probe(run, reference, columns, inputs),
        fingerprint=stamp.fingerprint_of(model, inputs, outputs),
    )
    return Draft(
        path=request.output / specs.file_name(spec),
        model=model,
        spec=spec,
        parities=parities,
    )


def text_limit(columns: tuple[KerasColumn, ...], max_text: int | None) -> int:
    """Return how many characters a text may have.

    Args:
        columns: The network's columns.
        max_text: What was asked for; None for the usual.

    Raises:
        OptionError: It was asked for, and the network takes no texts.
    """
    if max_text is None:
        return MAX_CHARS
    if not any(column.kind is ColumnKind.TEXT for column in columns):
        raise OptionError("the network takes no texts", option="max_text", remedy="Leave it out.")
    return checks.whole_number("max_text", max_text)


def source_of(request: BuildRequest, name: str) -> SourceSpec:
    """Return where a saved network and its weights come from.

    Args:
        request: What to build.
        name: What the network is called.
    """
    weights = record_of_file(Path(request.network.name))
    if request.network.licence is not None:
        weights = replace(weights, licence=request.network.licence)
    return SourceSpec(
        backbone=name,
        weights=weights.source,
        weights_sha256=weights.sha256,
        licence=weights.licence,
        tools=specs.tool_versions(),
        extra={"weights_origin": weights.origin},
    )
