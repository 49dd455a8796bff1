"""What a cosine means for the vectors of a set: the thresholds that their model's file states."""

from __future__ import annotations

from os import PathLike

from edgefeat.errors import OptionError, SinkError
from edgefeat.model.spec import PRIMARY_OUTPUT, Similarity
from edgefeat.sets.extractor_of import open_extractor_of
from edgefeat.sets.info import SetInfo

__all__ = ["similarity_of"]


def similarity_of(info: SetInfo, model: str | PathLike[str] | bytes | None = None) -> Similarity:
    """Return which cosine each level takes.

    Args:
        info: What the set's rows have in common.
        model: The model file that made the set; None takes the shipped one.

    Raises:
        ModelError: The model file is missing, foreign or damaged.
        OptionError: The model's file states no levels.
        SinkError: The set was made with another model, or holds other outputs than its features.
    """
    if [output.name for output in info.outputs] != [PRIMARY_OUTPUT]:
        raise SinkError(
            f"levels are known of the output {PRIMARY_OUTPUT!r} alone, the set keeps "
            f"{', '.join(output.name for output in info.outputs)}",
            remedy="Give a cosine of your own with {option}.",
            option="threshold",
        )
    with open_extractor_of(info, model) as extractor:
        stated = extractor.spec.similarity
    if stated is not None:
        return stated
    raise OptionError(
        "the model's file does not say which cosine near-duplicates have",
        where=model or "the shipped model",
        remedy="Give a cosine of your own with {option}, or measure the model's with "
        "`edgefeat-export levels`.",
        option="threshold",
    )
