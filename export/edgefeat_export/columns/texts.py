"""TextVectorization: a text is cleaned, split, its tokens joined to n-grams, and looked up.

text ─ change ─► clean ─ split ─► tokens (N, L) ─ (n-grams) ─► indices ─ (pad or encode) ─►
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgefeat_export.columns import characters, lookups
from edgefeat_export.columns.column import Operand
from edgefeat_export.columns.drawing import CLASSIC, Drawing
from edgefeat_export.columns.encoding import encode
from edgefeat_export.columns.refusing import inexact

__all__ = ["write_texts"]

_LOWERS: Final = ("lower", "lower_and_strip_punctuation")
_STRIPS: Final = ("strip_punctuation", "lower_and_strip_punctuation")
_PAD, _OOV = 0, 1  # what Keras gives in `int` mode


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Tokens of a batch of texts.

    Attributes:
        words: Strings (N, L).
        valid: bool (N, L): what is a token, and what stands behind a shorter row.
        counts: int64 (N, 1): how many tokens a row has.
        width: L; None where it depends on the batch.
    """

    words: str
    valid: str
    counts: str
    width: int | None


def write_texts(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a TextVectorization.

    Args:
        drawing: The graph.
        layer: The layer.
        inputs: Strings: (N,) or (N, 1), or (N, k) where it does not split.

    Returns:
        int64 (N, L) in `int` mode; else float32 (N, size of the vocabulary).

    Raises:
        BackboneError: It runs Python, or gives what no graph can.
    """
    (x,) = inputs
    _refuse(layer, x)
    for column in (x.column, *(one for one, _ in x.sources)):
        if column is not None:
            column.texts = column.texts or layer._split is not None
            column.words += lookups.known(layer._lookup_layer)
    tokens = _tokens(drawing, layer, x)
    grams = _grams(drawing, tokens, layer._ngrams) if layer._ngrams is not None else [tokens]
    if layer._output_mode == "int":
        return _in_order(drawing, layer, grams)
    return _counted(drawing, layer, grams)


def _refuse(layer: Any, x: Operand) -> None:
    for option in ("standardize", "split"):
        if callable(getattr(layer, f"_{option}")):
            raise inexact(
                layer,
                f"its {option} is a Python function, which no graph can hold",
                "Use one of Keras's own names for it, or do that step before the network.",
            )
    if layer._ragged:
        raise inexact(
            layer, "it gives ragged tensors", "Set ragged=False and an output_sequence_length."
        )
    if layer._encoding.lower().replace("-", "") != "utf8":
        raise inexact(layer, f"its encoding is {layer._encoding!r}", "Use texts in UTF-8.")
    if layer._output_mode == "one_hot" and layer._split is not None:
        raise inexact(
            layer,
            "one_hot of tokens has another length in each batch",
            "Use output_mode='multi_hot', or 'int' and an Embedding.",
        )
    if layer._split is not None and len(x.shape) > 1 and x.shape[-1] != 1:
        raise inexact(
            layer, f"it takes one text a row, got shape {x.shape[1:]}", "Give it shape (1,)."
        )


def _tokens(drawing: Drawing, layer: Any, x: Operand) -> _Tokens:
    """Clean the texts, and split them."""
    table: dict[str, str] = {}
    if layer._standardize in _LOWERS:
        table |= characters.LOWER
    if layer._standardize in _STRIPS:
        table |= characters.PUNCTUATION
    if layer._split == "whitespace":
        table |= characters.WHITESPACE
    flat = drawing.add("Reshape", x.name, drawing.integers(-1))
    if layer._split == "whitespace":
        clean = characters.change(drawing, flat, table)
        words, counts = drawing.add_many("StringSplit", clean, outputs=2, delimiter="")
        return _masked(drawing, words, drawing.add("Unsqueeze", counts, drawing.integers(1)))
    clean = characters.change(drawing, flat, table) if table else flat
    if layer._split == "character":
        words = characters.split(drawing, clean)
        empty = drawing.add("Equal", words, drawing.constant([""]))
        used = drawing.cast(drawing.add("Not", empty), "int64")
        counts = drawing.add("ReduceSum", used, drawing.integers(1), keepdims=1)
        return _masked(drawing, words, counts)
    width = x.shape[1] if len(x.shape) > 1 else 1
    words = drawing.add("Reshape", clean, drawing.integers(-1, width or 1))
    rows = drawing.add("Shape", words, start=0, end=1)
    one = drawing.integers(1)
    counts = drawing.add(
        "Expand",
        drawing.constant(np.array([[width]], np.int64)),
        drawing.add("Concat", rows, one, axis=0),
    )
    return _masked(drawing, words, counts, width)


def _masked(drawing: Drawing, words: str, counts: str, width: int | None = None) -> _Tokens:
    places = _places(drawing, words)
    valid = drawing.add("Less", places, counts)
    return _Tokens(words, valid, counts, width)


def _places(drawing: Drawing, words: str) -> str:
    """Return 0, 1, ... up to the width of a tensor: int64 (L,)."""
    width = drawing.add("Squeeze", drawing.add("Shape", words, start=1, end=2))
    return drawing.add("Range", drawing.whole(0), width, drawing.whole(1))


def _grams(drawing: Drawing, tokens: _Tokens, widths: tuple[int, ...]) -> list[_Tokens]:
    """Return the n-grams of each width: neighbours with a space between."""
    found = []
    for width in widths:
        joined = tokens.words
        for step in range(1, width):
            spaced = drawing.add("StringConcat", joined, drawing.constant([" "]))
            joined = drawing.add("StringConcat", spaced, _shifted(drawing, tokens.words, step))
        fewer = drawing.add("Sub", tokens.counts, drawing.whole(width - 1))
        counts = drawing.add("Max", fewer, drawing.whole(0))
        found.append(_masked(drawing, joined, counts))
    return found


def _shifted(drawing: Drawing, words: str, step: int) -> str:
    """Return each row moved to the left, with "" behind it."""
    rows = drawing.add("Shape", words, start=0, end=1)
    shape = drawing.add("Concat", rows, drawing.integers(step), axis=0)
    behind = drawing.add("Expand", drawing.constant(np.array([[""]])), shape)
    longer = drawing.add("Concat", words, behind, axis=1)
    end = drawing.integers(np.iinfo(np.int64).max)
    return drawing.add("Slice", longer, drawing.integers(step), end, drawing.integers(1))


def _in_order(drawing: Drawing, layer: Any, grams: list[_Tokens]) -> Operand:
    """Return the indices of tokens, row by row without gaps, padded or cut to the length."""
    lookup = layer._lookup_layer
    ids = [
        drawing.add("Where", one.valid, _index(drawing, lookup, one, _PAD), drawing.whole(_PAD))
        for one in grams
    ]
    together = ids[0] if len(ids) == 1 else _packed(drawing, grams, ids)
    length = layer._output_sequence_length
    width: int | None = length
    if length is None:
        if layer._ngrams is None and layer._split != "character":
            width = grams[0].width
        else:
            together = _cropped(drawing, grams, together)
        return Operand(name=together, dtype="int64", shape=(None, width))
    rows = drawing.add("Shape", together, start=0, end=1)
    shape = drawing.add("Concat", rows, drawing.integers(length), axis=0)
    zeros = drawing.add("Expand", drawing.constant(np.zeros((1, 1), np.int64)), shape)
    longer = drawing.add("Concat", together, zeros, axis=1)
    bounds = drawing.integers(0), drawing.integers(length), drawing.integers(1)
    return Operand(name=drawing.add("Slice", longer, *bounds), dtype="int64", shape=(None, length))


def _index(drawing: Drawing, lookup: Any, tokens: _Tokens, pad: int) -> str:
    """Look up tokens; "" is the layer's own mask."""
    words = lookups.known(lookup)
    mask = lookup.output_mode == "int"
    first = lookup._token_start_index()
    table = {"": pad} | dict(zip(words, range(first, first + len(words)), strict=True))
    return drawing.add(
        "LabelEncoder",
        tokens.words,
        domain=CLASSIC,
        keys_strings=[str(word).encode() for word in table],
        values_int64s=list(table.values()),
        default_int64=_OOV if mask else 0,
    )


def _packed(drawing: Drawing, grams: list[_Tokens], ids: list[str]) -> str:
    """Put the n-grams of all widths behind one another in each row: (N, sum of the widths)."""
    side = drawing.add("Concat", *ids, axis=1)
    shape = drawing.add("Shape", side)
    rows = drawing.add("Slice", shape, drawing.integers(0), drawing.integers(1))
    last = drawing.add("Slice", shape, drawing.integers(1), drawing.integers(2))
    places, before = [], drawing.whole(0)
    for one in grams:
        own = drawing.add("Add", before, _places(drawing, one.words))
        places.append(drawing.add("Where", one.valid, own, last))
        before = drawing.add("Add", before, one.counts)
    target = drawing.add("Concat", *places, axis=1)
    wider = drawing.add("Add", last, drawing.integers(1))  # one more column for what is no token
    room = drawing.add("Concat", rows, wider, axis=0)
    zeros = drawing.add("Expand", drawing.constant(np.zeros((1, 1), np.int64)), room)
    packed = drawing.add("ScatterElements", zeros, target, side, axis=1)
    return drawing.add("Slice", packed, drawing.integers(0), last, drawing.integers(1))


def _cropped(drawing: Drawing, grams: list[_Tokens], ids: str) -> str:
    """Cut columns off that no row of the batch needs."""
    total = grams[0].counts
    for one in grams[1:]:
        total = drawing.add("Add", total, one.counts)
    longest = drawing.add("ReduceMax", total, drawing.integers(0, 1), keepdims=0)
    end = drawing.add("Reshape", longest, drawing.integers(1))
    return drawing.add("Slice", ids, drawing.integers(0), end, drawing.integers(1))


def _counted(drawing: Drawing, layer: Any, grams: list[_Tokens]) -> Operand:
    """Return which tokens a row has, or how many times: float32 (N, size of the vocabulary)."""
    lookup, mode = layer._lookup_layer, layer._output_mode
    depth = lookups.depth_of(lookup)
    ids = []
    for one in grams:
        found = _index(drawing, lookup, one, depth)
        ids.append(drawing.add("Where", one.valid, found, drawing.whole(depth)))
    side = ids[0] if len(ids) == 1 else drawing.add("Concat", *ids, axis=1)
    if mode == "one_hot":
        width = None if len(ids) > 1 else grams[0].width
        indices = Operand(name=side, dtype="int64", shape=(None, width))
        return encode(drawing, layer, indices, mode=mode, depth=depth)
    # Counted in place: comparing each token with each word would take their product in memory.
    rows = drawing.add("Shape", side, start=0, end=1)
    room = drawing.add("Concat", rows, drawing.integers(depth + 1), axis=0)
    zeros = drawing.add("Expand", drawing.constant(np.zeros((1, 1), np.float32)), room)
    ones = drawing.add(
        "Expand", drawing.constant(np.ones((1, 1), np.float32)), drawing.add("Shape", side)
    )
    counts = drawing.add("ScatterElements", zeros, side, ones, axis=1, reduction="add")
    bounds = drawing.integers(0), drawing.integers(depth), drawing.integers(1)
    name = drawing.add("Slice", counts, *bounds)
    if mode == "multi_hot":
        name = drawing.add("Min", name, drawing.constant(np.float32(1)))
    encoded = Operand(name=name, dtype="float32", shape=(None, depth))
    return lookups.weigh(drawing, lookup, encoded) if mode == "tf_idf" else encoded
