"""Which layers are written by this room, by their names in Keras, and which of them must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from edgefeat_export.columns import hashing, lookups, numbers, shapes, texts
from edgefeat_export.columns.column import Operand
from edgefeat_export.columns.drawing import Drawing

__all__ = ["ALWAYS", "REARRANGING", "TRANSLATORS", "Translator"]

Translator = Callable[[Drawing, Any, list[Operand]], Operand]
"""Writes one call of a layer: the drawing, the layer, its inputs; returns its output."""

_PREPROCESSING: Final[dict[str, Translator]] = {
    "StringLookup": lookups.write_lookup,
    "IntegerLookup": lookups.write_lookup,
    "TextVectorization": texts.write_texts,
    "Discretization": numbers.write_bins,
    "CategoryEncoding": numbers.write_categories,
    "Hashing": hashing.write_hashing,
    "HashedCrossing": hashing.write_crossing,
}
_NUMERIC: Final[dict[str, Translator]] = {
    "Normalization": numbers.write_normalization,
    "Rescaling": numbers.write_rescaling,
}
_REARRANGING: Final[dict[str, Translator]] = {
    "Concatenate": shapes.write_concatenation,
    "TFDConcat": shapes.write_concatenation,
    "TFDIdentity": shapes.write_nothing,
    "Identity": shapes.write_nothing,
    "Dropout": shapes.write_nothing,
    "GaussianNoise": shapes.write_nothing,
    "Flatten": shapes.write_reshape,
    "Reshape": shapes.write_reshape,
    "ExpandDims": shapes.write_reshape,
    "GetItem": shapes.write_part,
    "Squeeze": shapes.write_reshape,
}

ALWAYS: Final = frozenset(_PREPROCESSING)
"""Layers that no converter translates rightly. They are written here wherever they stand."""

REARRANGING: Final = frozenset(_REARRANGING)
"""Layers that only move values, and so move their hashes alike."""

TRANSLATORS: Final[Mapping[str, Translator]] = MappingProxyType(
    _PREPROCESSING | _NUMERIC | _REARRANGING
)
"""All others are written here only before the first layer that computes with weights."""
