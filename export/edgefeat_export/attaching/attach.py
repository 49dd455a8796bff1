"""A fitted head and the model whose features it takes become one file.

head ─ taken apart ─► its graph alone ─ held to scikit-learn or Keras on every row, part by part
  ─► behind the model ─ features, labels, probabilities, fusions held ─► stamped, published
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.errors import OptionError
from edgefeat.extractor import FeatureExtractor
from edgefeat.model.evidence import Probe
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.outputs import OutputKind, OutputSpec
from edgefeat.model.probe import probe_image
from edgefeat.model.spec import PRIMARY_OUTPUT, SPEC_VERSION_WITH_INPUTS, ModelSpec
from edgefeat_export.attaching import gates
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    VALUE,
    ComparedRows,
    FittedHead,
    Tensors,
    answer_names,
)
from edgefeat_export.attaching.fitted import PipelineHead
from edgefeat_export.attaching.refusing import is_of_keras
from edgefeat_export.attaching.rows import as_frame
from edgefeat_export.errors import ExportError
from edgefeat_export.proof.stamp import beside, fingerprint_of

__all__ = ["Attached", "attach"]

_KINDS = {
    LABEL: OutputKind.LABEL,
    PROBABILITIES: OutputKind.PROBABILITIES,
    VALUE: OutputKind.VALUE,
}
_PROBE_ROWS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file that was written, and what was compared.

    Attributes:
        path: The file.
        reference: What the answers were compared with: `scikit-learn` or `Keras`.
        rows: How many rows were compared.
        differences: The largest difference of each answer: of labels how many, else how far.
        columns: Names of the columns that the file takes beside the photo.
        classes: Names of the classes; None for a number.
        added_bytes: How much larger the file is than the model.
    """

    path: Path
    reference: str
    rows: int
    differences: dict[str, float]
    columns: tuple[str, ...]
    classes: tuple[str, ...] | None
    added_bytes: int


def attach(
    head: Any,
    model: str | os.PathLike[str],
    rows: Any,
    output: str | os.PathLike[str],
    *,
    photos_root: str | os.PathLike[str] | None = None,
    photo: str | None = None,
    classes: Sequence[str] | None = None,
) -> Attached:
    """Put a head behind the model whose features it was fitted on.

        edgefeat_export.attach(pipeline, "MODEL.onnx", holdout, "out.onnx")

    The file takes a photo and the columns of the head, and gives `features` (the model's in every
    byte), `label` and `probabilities`, or `value`. Every gate is fatal: labels are equal on all
    rows, probabilities within 1e-5, and nothing of the model's speed is lost.

    Args:
        head: A scikit-learn Pipeline of a ColumnTransformer with `edgefeat.sklearn.ImageFeatures`,
            or of ImageFeatures alone, and an estimator. Or a Keras model with an input `features`
            and one for each column, which ends in a softmax, in a sigmoid, or in one number.
        model: The model file of these features. ImageFeatures knows which it was fitted with; of
            a Keras model only the number of features can be checked.
        rows: Rows to compare on, which the head should not have been fitted on: a frame, a
            list of mappings, or a CSV or Parquet file. None of them is stored.
        output: The file to write; one that is there is replaced.
        photos_root: The folder at which paths in `rows` start.
        photo: The column of photos, where the head does not name one; None takes the first that
            is no column of the head.
        classes: Names of a Keras model's classes; None numbers them from 0.

    Raises:
        BackboneError: A layer of a Keras model cannot be written exactly.
        ConversionError: A part of the head cannot be in a file; it is named.
        ExportError: The rows do not fit, or the file cannot be written.
        ModelError: The model cannot be used.
        OptionError: An option does not go with this head.
        VerificationError: A gate was missed; the step and the first row are named.
    """
    file = read_model_file(os.fspath(model))
    _require_bare(file)
    with FeatureExtractor(file.path) as extractor:
        known = _known(head, extractor, classes)
        if photo is not None and known.photo is not None:
            raise OptionError(
                f"does not apply: the pipeline takes photos from {known.photo!r}", option="photo"
            )
        frame, photo = as_frame(rows, head=known, photo=photo, root=photos_root)
        compared = ComparedRows(
            frame=frame,
            photo=photo,
            features=extractor.extract_batch(list(frame[photo]), workers=None),
            tensors=known.tensors(frame),
        )
        pixels = [extractor.prepare(path) for path in frame[photo]]
        probe = _probe(file.spec.probe, known, compared, extractor)
    wanted = known.wanted(compared)
    _check_alone(known, compared, wanted)
    bare = onnx.load(file.path)
    fused = known.behind(bare)
    gates.check_fusions(bare, fused)
    stamped = replace(_described(fused, file.spec, known, compared), probe=probe)
    with beside(fused, stamped, Path(output)) as spool:
        checked = read_model_file(spool.part)
        parts = _run_rows(str(checked.path), file.spec.input.name, pixels, compared.tensors)
        for row, part in enumerate(parts):
            gates.features_equal(part[PRIMARY_OUTPUT], compared.features[row], row)
        joined = {name: np.concatenate([part[name] for part in parts]) for name in wanted}
        differences = _check(known, joined, wanted, where="the file")
        gates.check_self(spool.part)
        spool.publish()
    return Attached(
        path=Path(output),
        reference=known.reference,
        rows=len(frame),
        differences=differences,
        columns=known.columns,
        classes=known.answer.classes,
        added_bytes=Path(output).stat().st_size - file.size_bytes,
    )


def _require_bare(file: ModelFile) -> None:
    spec = file.spec
    if spec.lists_inputs or spec.frame is not None or spec.primary.kind is not OutputKind.VECTOR:
        raise ExportError(
            "expected a model that takes a picture, gives a vector and has no head yet",
            where=file.path,
        )


def _known(head: Any, extractor: FeatureExtractor, classes: Sequence[str] | None) -> FittedHead:
    """Return what a head is, with each of its parts known."""
    if is_of_keras(head):
        from edgefeat_export.attaching.network import NetworkHead

        return NetworkHead(head, extractor.dim, classes)
    if classes is not None:
        raise OptionError("does not apply: the pipeline names its classes", option="classes")
    return PipelineHead(head, extractor.fingerprint, extractor.dim)


def _check_alone(head: FittedHead, rows: ComparedRows, wanted: Tensors) -> None:
    small = head.alone()
    onnx.checker.check_model(small, full_check=True)
    feeds = {PRIMARY_OUTPUT: rows.features, **rows.tensors}
    got = gates.run(small.SerializeToString(), feeds, where="the tail")
    head.check_alone(rows, got)
    _check(head, got, wanted, where="the head")


def _check(head: FittedHead, got: Tensors, wanted: Tensors, *, where: str) -> dict[str, float]:
    near = head.answer.probability_max
    return gates.check_answers(
        got, wanted, where=where, probability_max=near, reference=head.reference
    )


def _run_rows(
    path: str, picture: str, pixels: list[NDArray[np.uint8]], tensors: Tensors
) -> list[Tensors]:
    from edgefeat.engine.cpu import open_session, session_options

    session = open_session(path, session_options())
    names = [one.name for one in session.get_outputs()]
    found = []
    for row, one in enumerate(pixels):
        feeds = {name: tensor[row : row + 1] for name, tensor in tensors.items()}
        given = session.run(names, {picture: one[np.newaxis], **feeds})
        found.append(dict(zip(names, given, strict=True)))
    return found


def _described(
    fused: onnx.ModelProto, spec: ModelSpec, head: FittedHead, rows: ComparedRows
) -> ModelSpec:
    """Return what the file says of itself."""
    inputs = (*spec.inputs, *head.described(rows.tensors))
    classes = head.answer.classes
    answers = tuple(
        OutputSpec(
            name=name,
            kind=_KINDS[name],
            shape=() if name == LABEL else (len(classes or ()) or 1,),
            source_layer=head.last,
            classes=None if name == VALUE else classes,
        )
        for name in answer_names(head.answer)
    )
    outputs = (*spec.outputs, *answers)
    return replace(
        spec,
        spec_version=SPEC_VERSION_WITH_INPUTS,
        inputs=inputs,
        outputs=outputs,
        features_fingerprint=spec.fingerprint,
        fingerprint=fingerprint_of(fused, inputs, outputs),
    )


def _probe(
    probe: Probe | None, head: FittedHead, seen: ComparedRows, extractor: FeatureExtractor
) -> Probe | None:
    """Return the self-test: the model's picture, beside rows that were made by rule."""
    if probe is None or probe.size_hw is None or probe.seed is None:
        return probe
    rows = head.ruled_rows(seen.tensors, _PROBE_ROWS if head.columns else 1)
    picture = probe_image(probe.seed, probe.size_hw)
    features = extractor.extract_prepared(picture[np.newaxis])
    with _as_file(picture) as path:
        frame = head.ruled_frame(rows, seen.photo, path)
        made = ComparedRows(
            frame=frame,
            photo=seen.photo,
            features=np.repeat(features, len(frame), axis=0),
            tensors=head.tensors(frame),
        )
        wanted = head.wanted(made)
    found = replace(probe, rows=tuple(rows) if head.columns else None)
    if LABEL in wanted and not any(gates.is_tie(wanted, row) for row in range(len(frame))):
        found = replace(found, labels=tuple(int(one) for one in wanted[LABEL]))
    if PROBABILITIES in wanted:
        numbers = wanted[PROBABILITIES].astype("<f4").tobytes()
        found = replace(
            found,
            probabilities=base64.b64encode(numbers).decode(),
            probability_difference_max=head.answer.probability_max * 10,
        )
    return found


@contextmanager
def _as_file(picture_rgb: NDArray[np.uint8]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        path = str(Path(folder) / "probe.png")
        cv2.imwrite(path, picture_rgb[..., ::-1])
        yield path
