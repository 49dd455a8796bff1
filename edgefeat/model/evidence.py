"""What was measured of a model, and what a device can measure again: the self-test."""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.model import codec
from edgefeat.record import Record

__all__ = ["Parity", "Probe", "Similarity"]

Extra = Mapping[str, Any]


class Parity(Record):
    """What verification measured against Keras, through this runtime, on pictures or rows.

    Args:
        images: How many pictures were compared; 0 in a file that takes none.
        relative_l2_mean: Length of the difference to Keras's vector, divided by the length of
            Keras's: the mean over the pictures.
        relative_l2_max: Length of the difference divided by that of Keras's vector, for the worst
            picture.
        cosine_mean: Cosine to Keras's vector: the mean.
        cosine_p1: The first percentile of the cosines; None where the pictures were too few.
        cosine_min: The cosine of the worst picture.
        neighbour_overlap_10: The share of each picture's ten nearest neighbours by cosine that
            Keras's features give too.
        rows: How many rows were compared, in a file with columns.
        extra: Keys that this version does not know.
    """

    images: int
    relative_l2_mean: float
    relative_l2_max: float
    cosine_mean: float
    cosine_p1: float | None
    cosine_min: float
    neighbour_overlap_10: float | None = None
    rows: int | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    extra: Extra = field(default_factory=dict)


class Similarity(Record):
    """What a cosine of two `features` of this model means, measured on copies of photos.

    Attributes:
        same: The smallest cosine of a picture to itself saved again.
        near: The smallest cosine of near-duplicates: compressed hard, scaled, mirrored, brighter,
            cropped a little.
        look: The smallest cosine of what is worth a look.
        other_p999: 99.9 % of the pairs of photos of different things stay below this cosine.
        extra: Keys that this version does not know.
    """

    same: float
    near: float
    look: float
    other_p999: float
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not -1.0 <= self.look <= self.near <= self.same <= 1.0:
            raise OptionError(
                f"expected look <= near <= same, got {self.look}, {self.near}, {self.same}",
                option="look",
            )


class Probe(Record):
    """The on-device self-test: described inputs, Keras's features for them, and a tolerance.

    With columns there are rows too, which were made by rule and hold nobody's data. The picture,
    where there is one, stands beside each of them.

    Args:
        generator: The algorithm that makes the picture; in a file that takes none, `rows`.
        seed: Number that the algorithm starts from; None without a picture.
        size_hw: The picture's height and width; None without a picture.
        rows: The values of each row by the column's name; a missing one is None, and an input of
            several values has a list.
        expected: Keras's features: base64 of little-endian numbers. With rows there is one vector
            for each, or a single one where the rows do not change the features.
        expected_dtype: What these numbers are: `float32`; None for float16.
        relative_l2_max: How far a device may be off, relative to the length of the vector; with
            rows, of each row's vector.
        features_sha256: The hash of the exact float32 bytes of the features that `expected` lists.
            Integer arithmetic reproduces them on every CPU that does not saturate. None where none
            are exact.
        labels: Position of the right class for each row, in a file with a head.
        probabilities: The right probabilities of each row, base64 of little-endian float32, in a
            file with a head.
        probability_difference_max: How far a probability may be off.
        extra: Keys that this version does not know.
    """

    generator: str
    seed: int | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    size_hw: tuple[int, int] | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    rows: tuple[Mapping[str, Any], ...] | None = field(
        default=None, metadata=codec.LEFT_OUT_IF_NONE
    )
    expected: str
    expected_dtype: str | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    relative_l2_max: float
    features_sha256: str | None = None
    labels: tuple[int, ...] | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    probabilities: str | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    probability_difference_max: float | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.seed is None) != (self.size_hw is None):
            raise OptionError(
                "expected a seed and a size of the picture, or neither", option="seed"
            )
        if self.expected_dtype not in (None, "float32"):
            raise OptionError(
                f"expected 'float32', got {self.expected_dtype!r}", option="expected_dtype"
            )
        if (self.probabilities is None) != (self.probability_difference_max is None):
            raise OptionError(
                "expected together with the probabilities", option="probability_difference_max"
            )
