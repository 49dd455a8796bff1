"""Strings taken apart into characters, changed one by one, and put together again.

TensorFlow lowers ASCII letters only, and splits at the six whitespace characters of C only. No
operator of ONNX does the same: `StringNormalizer` lowers by the device's locale, which may not be
installed, and `StringSplit` knows the space alone. So a table changes the characters.

    (N,) ─ Tokenizer ─► (N, L) characters ─ LabelEncoder ─► changed ─ Loop of StringConcat ─► (N,)

The Loop joins neighbours, and halves the width each time.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx

from edgefeat_export.columns.drawing import CLASSIC, TOKENIZER, Drawing

__all__ = ["LOWER", "PUNCTUATION", "WHITESPACE", "change", "split"]

WHITESPACE: Final = dict.fromkeys("\t\n\v\f\r", " ")
LOWER: Final = dict(zip(string.ascii_uppercase, string.ascii_lowercase, strict=True))
PUNCTUATION: Final = dict.fromkeys(string.punctuation, "")
"""The marks that Keras strips are those of ASCII."""
_MOST_TURNS: Final = 64  # halvings: the condition ends them long before
_END: Final = np.iinfo(np.int64).max


def change(drawing: Drawing, texts: str, table: Mapping[str, str]) -> str:
    """Return strings (N,) with some characters changed.

    Args:
        drawing: The graph.
        texts: Strings (N,).
        table: What becomes of a character; empty where it is taken out. Others stay.
    """
    found = split(drawing, texts)
    keys = [mark.encode() for mark in table]
    known = drawing.add(
        "LabelEncoder",
        found,
        domain=CLASSIC,
        keys_strings=keys,
        values_int64s=[1] * len(keys),
        default_int64=0,
    )
    changed = drawing.add(
        "LabelEncoder",
        found,
        domain=CLASSIC,
        keys_strings=keys,
        values_strings=[new.encode() for new in table.values()],
        default_string=b"",
    )
    new = drawing.add("Where", drawing.cast(known, "bool"), changed, found)
    return _joined(drawing, new)


def split(drawing: Drawing, texts: str) -> str:
    """Return the characters (code points) of strings (N,): (N, L), with "" behind short ones."""
    found = drawing.add(
        "Tokenizer",
        texts,
        domain=TOKENIZER,
        mark=0,
        mincharnum=1,
        pad_value=b"",
        separators=[b""],
    )
    drawing.declare(found, "string", 2)
    return found


def _joined(drawing: Drawing, characters: str) -> str:
    """Join the strings of each row: (N, L) to (N,)."""
    rows = drawing.add("Shape", characters, start=0, end=1)
    shape = drawing.add("Concat", rows, drawing.integers(1), axis=0)
    nothing = drawing.add("Expand", drawing.constant(np.array([[""]])), shape)
    wide = drawing.add("Concat", characters, nothing, axis=1)  # a batch may be empty texts only
    start = drawing.add("Greater", _width(drawing, wide), drawing.whole(1))
    whole = drawing.add(
        "Loop", drawing.whole(_MOST_TURNS), start, wide, body=_halving(f"{characters}_join")
    )
    return drawing.add("Reshape", whole, drawing.integers(-1))


def _halving(name: str) -> onnx.GraphProto:
    """Return the inside of the Loop: (N, L) becomes (N, L / 2), an odd one padded with ""."""
    inside = Drawing(name)
    inside.input(f"{name}_turn", "int64", [])
    inside.input(f"{name}_again", "bool", [])
    row = inside.input(f"{name}_row", "string", [None, None])
    width = inside.add("Shape", row, start=1, end=2)
    odd = inside.add("Mod", width, inside.integers(2))
    missing = inside.add("Concat", inside.add("Shape", row, start=0, end=1), odd, axis=0)
    nothing = inside.add("Expand", inside.constant(np.array([[""]])), missing)
    even = inside.add("Concat", row, nothing, axis=1)
    sides = [
        inside.add(
            "Slice",
            even,
            inside.integers(first),
            inside.integers(_END),
            inside.integers(1),
            inside.integers(2),
        )
        for first in (0, 1)
    ]
    joined = inside.add("StringConcat", *sides)
    more = inside.add("Greater", _width(inside, joined), inside.whole(1))
    inside.output(f"{name}_more", more, "bool", [])
    inside.output(f"{name}_joined", joined, "string", [None, None])
    return inside.body("join")


def _width(drawing: Drawing, rows: str) -> str:
    """Return the length of axis 1: int64 ()."""
    return drawing.add("Squeeze", drawing.add("Shape", rows, start=1, end=2))
