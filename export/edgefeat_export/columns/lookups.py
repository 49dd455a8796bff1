"""StringLookup and IntegerLookup: a vocabulary as a table in the graph.

    x ─ LabelEncoder ─► index ─ (floor modulus, where there are several bins) ─ (encode) ─►

The table of the layer itself is read, for `get_vocabulary` goes through NumPy's strings, which lose
a NUL at the end.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any, Final

import numpy as np

from edgefeat_export.columns.column import Operand
from edgefeat_export.columns.drawing import CLASSIC, Drawing
from edgefeat_export.columns.encoding import encode
from edgefeat_export.columns.hashing import bins_of
from edgefeat_export.columns.numbers import as_type
from edgefeat_export.columns.refusing import inexact

__all__ = ["depth_of", "index_of", "known", "weigh", "write_lookup"]

NOWHERE: Final = np.iinfo(np.int64).max
"""The index of a masked value where it is encoded: no column has it."""


def write_lookup(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a lookup layer.

    Args:
        drawing: The graph.
        layer: A StringLookup or an IntegerLookup.
        inputs: Strings, or int64; for an inverted layer its indices, int64.

    Returns:
        int64 of the same shape, strings where it is inverted, or float32 encoded.

    Raises:
        BackboneError: It has no vocabulary, or hashes values that were computed.
    """
    x = _typed(drawing, layer, inputs[0])
    words = known(layer)
    if layer.invert:
        return _written_back(drawing, layer, x, words)
    bins, mode = layer.num_oov_indices, layer.output_mode
    index = index_of(drawing, layer, x, words)
    _tell(drawing, layer, x, words, index)
    if bins > 1:
        rest = (
            bins_of(drawing, layer, x, bins)
            if _hashes(layer)
            else drawing.add("Mod", x.name, drawing.whole(bins))
        )
        own = drawing.add("Add", rest, drawing.whole(layer._oov_start_index()))
        unknown = drawing.add("Equal", index, drawing.whole(-1))
        index = drawing.add("Where", unknown, own, index)
    if bins == 0:
        unknown = drawing.add("Equal", index, drawing.whole(-1))
        index = drawing.without(unknown, index, prod(side or 1 for side in x.shape[1:]))
    found = Operand(name=index, dtype="int64", shape=x.shape)
    if mode == "int":
        return found
    encoded = encode(drawing, layer, found, mode=mode, depth=depth_of(layer))
    return weigh(drawing, layer, encoded) if mode == "tf_idf" else encoded


def known(layer: Any) -> list[str | int]:
    """Return the vocabulary of a lookup layer without its special tokens, in order.

    Raises:
        BackboneError: It has none, or one that is not text.
    """
    keys, values = (tensor.numpy() for tensor in layer.lookup_table.export())
    if layer.invert:
        keys, values = values, keys
    if not len(keys):
        raise inexact(
            layer,
            "it has no vocabulary",
            "Call `adapt` on it, or give it one, before the model is saved.",
        )
    ordered = keys[np.argsort(values)]
    try:
        return [key.decode() if isinstance(key, bytes) else int(key) for key in ordered]
    except UnicodeDecodeError as error:
        raise inexact(
            layer,
            f"its vocabulary holds bytes that are no UTF-8: {error.object!r}",
            "Give it a vocabulary of texts.",
        ) from error


def index_of(drawing: Drawing, layer: Any, x: Operand, words: list[str | int]) -> str:
    """Look up each value: its index, the index of the mask, or that of the one bin, or -1.

    Args:
        drawing: The graph.
        layer: The lookup layer.
        x: The values.
        words: The vocabulary without special tokens.

    Returns:
        The name of an int64 tensor of the same shape.
    """
    first = layer._token_start_index()
    table = dict(zip(words, range(first, first + len(words)), strict=True))
    if layer.mask_token is not None:
        table = {layer.mask_token: 0 if layer.output_mode == "int" else NOWHERE} | {
            word: index for word, index in table.items() if word != layer.mask_token
        }
    default = layer._oov_start_index() if layer.num_oov_indices == 1 else -1
    return _look_up(drawing, x, table, default)


def depth_of(layer: Any) -> int:
    """Return how many columns an encoding lookup layer has."""
    return int(layer.max_tokens if layer.pad_to_max_tokens else layer.vocabulary_size())


def weigh(drawing: Drawing, layer: Any, counts: Operand) -> Operand:
    """Multiply counts by the weights of a `tf_idf` layer.

    Args:
        drawing: The graph.
        layer: The lookup layer.
        counts: float32 (N, size of the vocabulary).
    """
    weights = drawing.constant(np.asarray(layer.idf_weights_const, np.float32))
    name = drawing.add("Mul", counts.name, weights)
    return Operand(name=name, dtype="float32", shape=counts.shape)


def _look_up(drawing: Drawing, x: Operand, table: dict[str | int, int], default: int) -> str:
    keys = (
        {"keys_strings": [str(word).encode() for word in table]}
        if x.dtype == "string"
        else {"keys_int64s": [int(word) for word in table]}
    )
    return drawing.add(
        "LabelEncoder",
        x.name,
        domain=CLASSIC,
        values_int64s=list(table.values()),
        default_int64=default,
        **keys,
    )


def _typed(drawing: Drawing, layer: Any, x: Operand) -> Operand:
    """Return the input as the table's keys are; floating-point numbers are cut, as Keras does."""
    if x.dtype == "string" or layer._key_dtype == "string":
        return x
    whole = as_type(drawing, x, "int64")
    return replace(whole, column=x.column, sources=x.sources, hashes=x.hashes)


def _hashes(layer: Any) -> bool:
    return bool(layer.vocabulary_dtype == "string" or layer.oov_method == "farmhash")


def _tell(drawing: Drawing, layer: Any, x: Operand, words: list[str | int], index: str) -> None:
    """Tell the column what the layer knows of it, and count what the vocabulary lacks."""
    sources = x.sources or ((x.column, prod(side or 1 for side in x.shape[1:])),)
    unknown = layer._oov_start_index() if layer.num_oov_indices == 1 else -1
    lacks = ""
    start = 0
    for column, width in sources:
        if column is None:
            continue
        known_before = set(column.words)
        column.words += [word for word in words if word not in known_before]
        if layer.mask_token is not None:
            column.masks.append(layer.mask_token)
        column.refuses_unseen |= layer.num_oov_indices == 0
        if not lacks:
            missing = drawing.cast(drawing.add("Equal", index, drawing.whole(unknown)), "int64")
            total = sum(count for _, count in sources)
            lacks = drawing.add("Reshape", missing, drawing.integers(-1, total))
        own = lacks
        if len(sources) > 1:
            bounds = drawing.integers(start), drawing.integers(start + width)
            own = drawing.add("Slice", lacks, *bounds, drawing.integers(1))
        column.unseen.append(drawing.add("ReduceSum", own, drawing.integers(1), keepdims=1))
        start += width


def _written_back(drawing: Drawing, layer: Any, x: Operand, words: list[str | int]) -> Operand:
    """Write an inverted layer: indices become the words of the vocabulary again."""
    first = layer._token_start_index()
    indices = list(range(first, first + len(words)))
    if layer.mask_token is not None:
        indices, words = [0, *indices], [layer.mask_token, *words]
    strings = layer.vocabulary_dtype == "string"
    values: dict[str, Any] = (
        {
            "values_strings": [str(word).encode() for word in words],
            "default_string": str(layer.oov_token).encode(),
        }
        if strings
        else {
            "values_int64s": [int(word) for word in words],
            "default_int64": int(layer.oov_token),
        }
    )
    name = drawing.add("LabelEncoder", x.name, domain=CLASSIC, keys_int64s=indices, **values)
    return Operand(name=name, dtype="string" if strings else "int64", shape=x.shape)
