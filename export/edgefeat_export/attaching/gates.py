"""What must hold before an attached file may exist; a failure names the step and first row."""

from __future__ import annotations

from collections import Counter
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.engine.cpu import ORT_ERRORS, open_session, reason, session_options
from edgefeat.extractor import FeatureExtractor
from edgefeat.model.spec import PRIMARY_OUTPUT
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    PROBABILITY_MAX,
    VALUE,
    Tensors,
)
from edgefeat_export.attaching.refusing import class_of
from edgefeat_export.attaching.taking_apart import Taken
from edgefeat_export.errors import ConversionError, VerificationError

__all__ = [
    "check_answers",
    "check_fusions",
    "check_self",
    "check_steps",
    "is_tie",
    "run",
]

_STEP_RELATIVE = 1e-6
_SUM_RELATIVE = 2.0**-46  # some roundings of float64
_VALUE_RELATIVE = 1e-5
_FUSED = ("QLinear", "Conv", "Fused")


def run(model: bytes | str, feeds: Tensors, *, where: str) -> Tensors:
    """Run a model on the CPU; return its outputs by name.

    Args:
        model: The model, as bytes or a path.
        feeds: What goes into it, by name; any types.
        where: What it is called, for messages.

    Raises:
        ConversionError: ONNX Runtime does not open or run it.
    """
    try:
        session = open_session(model, session_options())
        names = [one.name for one in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds), strict=True))
    except ORT_ERRORS as error:
        raise ConversionError(f"ONNX Runtime refuses it: {reason(error)}", where=where) from error


def check_steps(taken: Taken, got: Tensors, frame: Any, features: NDArray[np.float32]) -> None:
    """Hold each step to scikit-learn's own, alone: columns as the rows have them, and what stands
    behind the photo or behind the columns on what the file gives it.

    Args:
        taken: The pipeline.
        got: What the tail gave.
        frame: The rows.
        features: The features of their photos, float32 `(N, D)`.

    Raises:
        VerificationError: A step differs, or gives numbers that are not finite.
    """
    for name, (step, columns) in taken.steps.items():
        _check_step(name, got[taken.tail.checkpoints[name].name], step.transform(frame[columns]))
    for one in taken.later:
        before, step = got[one.before.name], _in_float64(one.step)
        wanted = step.transform(_as_fitted(step, before))
        _check_step(one.where, got[one.after.name], wanted, slack=_rounding(step, before))
    if not np.isfinite(features).all():
        raise VerificationError("features that are not finite", where="the model")


def _check_step(
    name: str, given: NDArray[Any], wanted: Any, *, slack: NDArray[np.float64] | float = 0.0
) -> None:
    """Raise unless a step gives what it should.

    Args:
        name: The step.
        given: What the file gives, float64 `(N, K)`.
        wanted: What scikit-learn gives, dense or sparse.
        slack: What sums may round, beside what is always allowed.
    """
    wanted = np.asarray(wanted.toarray() if hasattr(wanted, "toarray") else wanted, np.float64)
    if given.shape != wanted.shape:
        raise VerificationError(
            f"gives {given.shape[1:]} numbers a row, scikit-learn {wanted.shape[1:]}",
            where=f"step {name!r}",
        )
    near = np.isclose(given, wanted, rtol=_STEP_RELATIVE, atol=1e-9 + slack, equal_nan=True)
    if near.all():
        return
    row = int(np.argmin(near.all(axis=1)))
    at = int(np.argmin(near[row]))
    raise VerificationError(
        f"row {row}, number {at}: scikit-learn gives {wanted[row, at]:.9g}, the file "
        f"{given[row, at]:.9g}",
        where=f"step {name!r}",
    )


def _in_float64(step: Any) -> Any:
    """Return a step that computes in float64: one that was fitted on float32 keeps float32.

    A PCA's variances stay as they are, for what counts as none depends on their type.
    """
    found = copy(step)
    for name, value in vars(step).items():
        narrow = isinstance(value, np.ndarray) and value.dtype == np.float32
        if narrow and name != "explained_variance_":
            setattr(found, name, value.astype(np.float64))
    return found


def _rounding(step: Any, rows: NDArray[np.float64]) -> NDArray[np.float64] | float:
    """Return what a PCA's sums may round, float64 `(N, K)`; other steps do not sum."""
    if class_of(step) != "PCA":
        return 0.0
    sizes = (np.abs(rows) + np.abs(step.mean_)) @ np.abs(step.components_).T
    if step.whiten:
        deviations = np.sqrt(step.explained_variance_)
        sizes = sizes / np.maximum(deviations, np.finfo(deviations.dtype).eps)
    return np.asarray(_SUM_RELATIVE * sizes)


def _as_fitted(step: Any, rows: NDArray[np.float64]) -> Any:
    """Return rows as a step was fitted on them: with the names of columns, if it knows these."""
    names = getattr(step, "feature_names_in_", None)
    if names is None:
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=list(names))


def check_answers(
    got: Tensors,
    wanted: Tensors,
    *,
    where: str,
    probability_max: float = PROBABILITY_MAX,
    reference: str = "scikit-learn",
) -> dict[str, float]:
    """Hold answers to the right ones on every row; return the largest differences.

    Args:
        got: What the file gave.
        wanted: The right answers.
        where: What is checked, for messages.
        probability_max: How far a probability may be off.
        reference: What gives the right answers, for messages.

    Raises:
        VerificationError: A label differs, or a number differs too much.
    """
    differences: dict[str, float] = {}
    for name, expected in wanted.items():
        given = got[name]
        if given.shape != expected.shape:
            raise VerificationError(
                f"{name}: expected shape {expected.shape}, got {given.shape}", where=where
            )
        if name == LABEL:
            wrong = given != expected
            differences[name] = float(wrong.sum())
        else:
            off = np.abs(given.astype(np.float64) - expected)
            off = np.where(np.isfinite(given), off, np.inf)
            most = probability_max if name == PROBABILITIES else _VALUE_RELATIVE
            scale = np.maximum(np.abs(expected), 1) if name == VALUE else 1.0
            wrong = (off / scale > most).any(axis=1)
            differences[name] = float(off.max())
        if wrong.any():
            row = int(np.argmax(wrong))
            near = name == LABEL and is_tie(wanted, row)
            tie = "; a tie of two classes" if near else ""
            raise VerificationError(
                f"{name} of {int(wrong.sum())} of {len(wrong)} rows differ, first row {row}: "
                f"{reference} gives {_shown(expected[row])}, the file {_shown(given[row])}{tie}",
                where=where,
                remedy="Leave such rows out: there no answer is the right one." if near else None,
            )
    return differences


def is_tie(wanted: Tensors, row: int) -> bool:
    """Return whether the two most probable classes of a row are equally probable.

    Args:
        wanted: The right answers.
        row: The row.
    """
    if PROBABILITIES not in wanted:
        return False
    *_, second, first = np.sort(wanted[PROBABILITIES][row])
    return bool(first - second <= PROBABILITY_MAX)


def check_self(path: Path) -> None:
    """Hold a finished file to its own self-test.

    Args:
        path: The file.

    Raises:
        VerificationError: It does not pass.
    """
    with FeatureExtractor(path) as extractor:
        found = extractor.self_test() if extractor.spec.probe is not None else None
    if found is not None and not found:
        raise VerificationError(
            found.describe(), where=path, remedy="Report this: it is a fault of the exporter."
        )


def check_fusions(before: onnx.ModelProto, after: onnx.ModelProto) -> None:
    """Hold the optimised operators of the model to those that it has without the tail.

    Raises:
        VerificationError: Some are lost: the model would be slower.
    """
    there, here = _operators(before), _operators(after)
    lost = {name: (count, here[name]) for name, count in there.items() if here[name] < count}
    if lost:
        name, (count, left) = next(iter(lost.items()))
        raise VerificationError(f"{count} {name} were fused without it, {left} with it",
                                where="the model's speed")  # fmt: skip


def _operators(model: onnx.ModelProto) -> Counter[str]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        options = session_options()
        place = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(place)
        open_session(model.SerializeToString(), options)
        nodes = onnx.load(place).graph.node
    return Counter(node.op_type for node in nodes if node.op_type.startswith(_FUSED))


def _shown(values: NDArray[Any]) -> str:
    return np.array2string(np.asarray(values), precision=6, threshold=6)


def features_equal(got: NDArray[Any], wanted: NDArray[Any], row: int) -> None:
    """Raise unless the features of a photo are the model's in every byte.

    Args:
        got: What the file gave, `(1, D)`.
        wanted: What the model gives, `(D,)`.
        row: The row, for messages.

    Raises:
        VerificationError: They differ.
    """
    if got.tobytes() != wanted.tobytes():
        raise VerificationError(
            f"row {row}: not those of the model in every byte", where=f"output {PRIMARY_OUTPUT!r}"
        )
