"""What must hold before a taught file may exist: it runs, and says what was computed.

The features of the file are equal to the backbone's in every byte. The head gives, for every row
that was shown, what NumPy computes from the same whole numbers: labels, numbers and distances to
the bit, probabilities within a rounding of float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.engine.cpu import ORT_ERRORS, open_session, reason, session_options
from edgefeat.engine.saturation import may_saturate
from edgefeat.errors import ModelError
from edgefeat.model.file import ModelFile
from edgefeat.model.outputs import OutputKind
from edgefeat.model.spec import PRIMARY_OUTPUT
from edgefeat.teaching.graph import head_alone
from edgefeat.teaching.head import Head

__all__ = ["prove_file", "prove_head"]

_PROBABILITY_MAX = 1e-6
_REMEDY = "Nothing was written. Please report it, with the output of `edgefeat doctor`."
Answers = dict[str, NDArray[Any]]


def prove_head(head: Head, features: NDArray[np.float32], *, where: object) -> None:
    """Hold the head's graph to what NumPy computes, on every row that was shown.

    Args:
        head: The head.
        features: The rows, float32 `(N, D)`.
        where: The file that is made, for messages.

    Raises:
        ModelError: They differ.
    """
    alone = head_alone(head, features.shape[1])
    (got,) = _run(alone, PRIMARY_OUTPUT, [features], where)
    _compare(head, got, features, where, "row")


def prove_file(
    taught: ModelFile, backbone: ModelFile, head: Head, pictures: NDArray[np.uint8]
) -> None:
    """Hold a taught file to its backbone, and its head to NumPy, on some pictures.

    Args:
        taught: The file.
        backbone: The model behind whose features the head stands.
        head: The head.
        pictures: What the graph takes: uint8 `(N, height, width, channels)`.

    Raises:
        ModelError: They differ.
    """
    name, _ = backbone.spec.graph_input
    exact = may_saturate(backbone.spec)
    ones = [picture[np.newaxis] for picture in pictures]  # as frames come; never two models at once
    every_before = _run(backbone.for_engine(), name, ones, backbone.path, exact_int8=exact)
    every_after = _run(taught.for_engine(), name, ones, taught.path, exact_int8=exact)
    for before, after in zip(every_before, every_after, strict=True):
        for output in backbone.spec.outputs:
            if before[output.name].tobytes() != after[output.name].tobytes():
                raise ModelError(
                    f"the output {output.name!r} is not that of {backbone.path} any more",
                    where=taught.path,
                    remedy=_REMEDY,
                )
        _compare(head, after, after[PRIMARY_OUTPUT], taught.path, "picture")


def _compare(
    head: Head, got: Answers, features: NDArray[np.float32], where: object, what: str
) -> None:
    wanted = head.answers(features.reshape(len(features), -1))
    kinds = {one.name: one.kind for one in head.outputs()}
    for name, expected in wanted.items():
        if kinds[name] is OutputKind.PROBABILITIES:
            differs = np.abs(got[name] - expected).max(axis=-1) > _PROBABILITY_MAX
        else:
            differs = (got[name] != expected).reshape(len(features), -1).any(axis=1)
        if got[name].shape != expected.shape or differs.any():
            first = int(np.argmax(differs))
            raise ModelError(
                f"{name} of {what} {first}: expected {expected[first]}, got {got[name][first]}",
                where=where,
                remedy=_REMEDY,
            )


def _run(
    model: str | bytes,
    name: str,
    inputs: Sequence[NDArray[Any]],
    where: object,
    *,
    exact_int8: bool = False,
) -> list[Answers]:
    try:
        session = open_session(model, session_options(exact_int8=exact_int8))
        names: Sequence[str] = [one.name for one in session.get_outputs()]
        return [dict(zip(names, session.run(names, {name: one}), strict=True)) for one in inputs]
    except ORT_ERRORS as error:
        raise ModelError(
            f"ONNX Runtime does not run it: {reason(error)}", where=where, remedy=_REMEDY
        ) from error
