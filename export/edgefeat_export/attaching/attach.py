"""A fitted scikit-learn pipeline and the model whose features it takes become one file.

pipeline ─ taken apart ─► tail alone ─ held to scikit-learn on every row, step by step
  ─► tail behind the model ─ features, labels, probabilities, fusions held ─► stamped, published
"""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.extractor import FeatureExtractor
from edgefeat.model.evidence import Probe
from edgefeat.model.file import read_model_file
from edgefeat.model.outputs import OutputKind, OutputSpec
from edgefeat.model.probe import probe_image
from edgefeat.model.spec import PRIMARY_OUTPUT, SPEC_VERSION_WITH_INPUTS, ModelSpec
from edgefeat_export.attaching import gates
from edgefeat_export.attaching.estimators import LABEL, PROBABILITIES, VALUE
from edgefeat_export.attaching.graphs import add_unseen, alone, answer_names, behind
from edgefeat_export.attaching.refusing import class_of
from edgefeat_export.attaching.rows import as_frame, span_of, tensor_of
from edgefeat_export.attaching.taking_apart import Taken, take_apart
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
        rows: How many rows were compared with scikit-learn.
        differences: The largest difference of each answer: of labels how many, else how far.
        columns: Names of the columns that the file takes beside the photo.
        classes: Names of the classes; None for a number.
        added_bytes: How much larger the file is than the model.
    """

    path: Path
    rows: int
    differences: dict[str, float]
    columns: tuple[str, ...]
    classes: tuple[str, ...] | None
    added_bytes: int


def attach(
    pipeline: Any,
    model: str | os.PathLike[str],
    rows: Any,
    output: str | os.PathLike[str],
    *,
    photos_root: str | os.PathLike[str] | None = None,
) -> Attached:
    """Put a fitted scikit-learn pipeline behind the model whose features it was fitted on.

        edgefeat_export.attach(pipeline, "MODEL.onnx", holdout, "out.onnx")

    The file takes a photo and the columns of the pipeline, and gives `features` (the model's in
    every byte), `label` and `probabilities`, or `value`. Every gate is fatal: labels are equal on
    all rows, probabilities within 1e-5, and nothing of the model's speed is lost.

    Args:
        pipeline: A Pipeline of a ColumnTransformer with `edgefeat.sklearn.ImageFeatures`, or of
            ImageFeatures alone, and an estimator.
        model: The model file that ImageFeatures was fitted with.
        rows: Rows to compare on, which the pipeline should not have been fitted on: a frame, a
            list of mappings, or a CSV or Parquet file. None of them is stored.
        output: The file to write; one that is there is replaced.
        photos_root: The folder at which paths in `rows` start.

    Raises:
        ConversionError: A part of the pipeline cannot be in a file; it is named.
        ExportError: The rows do not fit, or the file cannot be written.
        ModelError: The model cannot be used.
        VerificationError: A gate was missed; the step and the first row are named.
    """
    file = read_model_file(os.fspath(model))
    spec = file.spec
    if spec.lists_inputs or spec.frame is not None or spec.primary.kind is not OutputKind.VECTOR:
        raise ExportError(
            "expected a model that takes a picture, gives a vector and has no head yet",
            where=file.path,
        )
    with FeatureExtractor(file.path) as extractor:
        taken = take_apart(pipeline, extractor.fingerprint, extractor.dim)
        frame, photo = as_frame(rows, photo=taken.photo, root=photos_root)
        features = extractor.extract_batch(list(frame[photo]), workers=None)
        pixels = [extractor.prepare(path) for path in frame[photo]]
    add_unseen(taken)
    tensors = {name: tensor_of(frame, column) for name, column in taken.columns.items()}
    asked = frame if taken.photo is not None else list(frame[photo])
    wanted = _wanted(pipeline, taken, asked)
    small = alone(taken, extractor.dim)
    onnx.checker.check_model(small, full_check=True)
    got = gates.run(
        small.SerializeToString(), {PRIMARY_OUTPUT: features, **tensors}, where="the tail"
    )
    gates.check_steps(taken, got, frame, features)
    near = taken.answer.probability_max
    gates.check_answers(got, wanted, where="the pipeline", probability_max=near)
    bare = onnx.load(file.path)
    fused = behind(bare, taken)
    gates.check_fusions(bare, fused)
    stamped = _stamped(fused, spec, taken, pipeline, tensors, photo)
    with beside(fused, stamped, Path(output)) as spool:
        checked = read_model_file(spool.part)
        parts = _run_rows(str(checked.path), spec.input.name, pixels, tensors)
        for row, part in enumerate(parts):
            gates.features_equal(part[PRIMARY_OUTPUT], features[row], row)
        joined = {name: np.concatenate([part[name] for part in parts]) for name in wanted}
        differences = gates.check_answers(joined, wanted, where="the file", probability_max=near)
        spool.publish()
    return Attached(
        path=Path(output),
        rows=len(frame),
        differences=differences,
        columns=tuple(taken.columns),
        classes=taken.answer.classes,
        added_bytes=Path(output).stat().st_size - file.size_bytes,
    )


def _wanted(pipeline: Any, taken: Taken, asked: Any) -> gates.Wanted:
    """Return what scikit-learn answers."""
    if taken.answer.classes is None:
        return {VALUE: np.asarray(pipeline.predict(asked), np.float64).reshape(-1, 1)}
    classes = [str(one) for one in pipeline.classes_]
    said = [classes.index(str(one)) for one in pipeline.predict(asked)]
    wanted: gates.Wanted = {LABEL: np.array(said, np.int64)}
    if taken.answer.has_probabilities:
        wanted[PROBABILITIES] = np.asarray(pipeline.predict_proba(asked), np.float64)
    return wanted


def _run_rows(
    path: str, picture: str, pixels: list[NDArray[np.uint8]], tensors: dict[str, NDArray[Any]]
) -> list[dict[str, NDArray[Any]]]:
    from edgefeat.engine.cpu import open_session, session_options

    session = open_session(path, session_options())
    names = [one.name for one in session.get_outputs()]
    found = []
    for row, one in enumerate(pixels):
        feeds = {name: tensor[row : row + 1] for name, tensor in tensors.items()}
        given = session.run(names, {picture: one[np.newaxis], **feeds})
        found.append(dict(zip(names, given, strict=True)))
    return found


def _stamped(
    fused: onnx.ModelProto,
    spec: ModelSpec,
    taken: Taken,
    pipeline: Any,
    tensors: dict[str, NDArray[Any]],
    photo: str,
) -> ModelSpec:
    """Return what the file says of itself."""
    columns = [column.described(span_of(tensors[name])) for name, column in taken.columns.items()]
    inputs = (*spec.inputs, *columns)
    classes = taken.answer.classes
    answers = tuple(
        OutputSpec(
            name=name,
            kind=_KINDS[name],
            shape=() if name == LABEL else (len(classes or ()) or 1,),
            source_layer=class_of(pipeline.steps[-1][1]),
            classes=None if name == VALUE else classes,
        )
        for name in answer_names(taken)
    )
    outputs = (*spec.outputs, *answers)
    return replace(
        spec,
        spec_version=SPEC_VERSION_WITH_INPUTS,
        inputs=inputs,
        outputs=outputs,
        features_fingerprint=spec.fingerprint,
        fingerprint=fingerprint_of(fused, inputs, outputs),
        probe=_probe(spec.probe, taken, pipeline, tensors, photo),
    )


def _probe(
    probe: Probe | None,
    taken: Taken,
    pipeline: Any,
    tensors: dict[str, NDArray[Any]],
    photo: str,
) -> Probe | None:
    """Return the self-test: the model's picture, beside rows that were made by rule."""
    if probe is None or probe.size_hw is None or probe.seed is None:
        return probe
    rows = [_row(taken, tensors, number) for number in range(_PROBE_ROWS if taken.columns else 1)]
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        path = str(Path(folder) / "probe.png")
        cv2.imwrite(path, probe_image(probe.seed, probe.size_hw)[..., ::-1])
        if taken.photo is None:
            asked: Any = [path]
        else:
            import pandas as pd

            names = list(pipeline.steps[0][1].feature_names_in_)
            asked = pd.DataFrame([{photo: path, **row} for row in rows])
            asked = asked.reindex(columns=names)
            for name in taken.columns:
                if taken.columns[name].words is None:
                    asked[name] = asked[name].astype(np.float64)
        wanted = _wanted(pipeline, taken, asked)
    found = replace(probe, rows=tuple(rows) if taken.columns else None)
    if LABEL in wanted:
        found = replace(found, labels=tuple(int(one) for one in wanted[LABEL]))
    if PROBABILITIES in wanted:
        numbers = wanted[PROBABILITIES].astype("<f4").tobytes()
        found = replace(
            found,
            probabilities=base64.b64encode(numbers).decode(),
            probability_difference_max=taken.answer.probability_max * 10,
        )
    return found


def _row(taken: Taken, tensors: dict[str, NDArray[Any]], number: int) -> dict[str, Any]:
    """Return a row made by rule: the middle, the ends and what is missing; words in turn."""
    row: dict[str, Any] = {}
    for name, column in taken.columns.items():
        if column.words is not None:
            words = [one for one in column.words.known if not one.startswith("\x00")]
            row[name] = words[number % len(words)]
            continue
        low, high = span_of(tensors[name]) or (0.0, 1.0)
        values: list[float | None] = [(low + high) / 2, low, high, None if column.nan else low]
        row[name] = values[number % len(values)]
    return row
