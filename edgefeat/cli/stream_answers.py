"""What `edgefeat stream` does with a model that has a head: the columns beside every frame."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgefeat.cli.options import is_given, refuse
from edgefeat.errors import OptionError, RowError

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.formats import OutputPlan
    from edgefeat.streaming import Extractor

__all__ = ["answering"]

_LINES = (".jsonl", ".jsonl.gz")


def answering(
    arguments: argparse.Namespace, extractor: FeatureExtractor, plan: OutputPlan
) -> Extractor:
    """Return what makes records: the extractor itself, or with the answers of its head.

    Args:
        arguments: The command line.
        extractor: The open model.
        plan: Where records go.

    Raises:
        OptionError: Columns are missing, unknown, or do not apply; or the output keeps no answers.
    """
    spec = extractor.spec
    if all(one.kind.is_feature for one in spec.outputs):
        problem = "does not apply: the model has no head"
        refuse(arguments, "set", "label_change", problem=problem)
        return extractor
    refuse(arguments, "outputs", "normalize", problem="does not apply to a model with a head")
    if plan.is_path and not plan.output.lower().endswith(_LINES):
        raise OptionError(
            f"the model has a head, and answers are kept in JSON lines only; got {plan.output!r}",
            option="output",
            remedy="Name a file that ends in .jsonl.",
        )
    from edgefeat.predictor import Predictor
    from edgefeat.rows.files import from_text
    from edgefeat.rows.reader import RowReader
    from edgefeat.streaming.answering import Answering

    if not spec.columns:
        refuse(arguments, "set", problem="does not apply: the model takes a picture alone")
        return Answering(Predictor.of(extractor))
    columns = {name: one for one in RowReader(spec.columns).columns for name in one.names}
    row: dict[str, Any] = {}
    for given in arguments.set if is_given(arguments, "set") else ():
        name, equals, text = given.partition("=")
        if not equals or name in row:
            problem = (
                f"{name!r} is given twice" if equals else f"expected NAME=VALUE, got {given!r}"
            )
            raise OptionError(problem, option="set")
        row[name] = from_text(columns[name], text) if name in columns else text
    lacking = [name for name in columns if name not in row]
    if lacking:
        raise OptionError(
            f"the model takes columns beside the picture; still missing: {', '.join(lacking)}",
            option="set",
            remedy=f"Give each, as in `--set {lacking[0]}=VALUE`.",
        )
    try:
        return Answering(Predictor.of(extractor), row)
    except RowError as error:
        raise OptionError(
            f"{error.where}: {error.problem}", option="set", remedy=error.remedy
        ) from error
