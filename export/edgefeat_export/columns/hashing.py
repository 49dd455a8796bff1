"""Hashing and HashedCrossing: bins from hashes that the device computes and the graph takes.

    hash of the value (input) ─ remainder ─► bin ─ (a bin of its own for the mask) ─ (encode) ─►

ONNX has no such hash, so each column that a layer hashes has one more input, int64. The rest is
whole-number arithmetic of the standard.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final

import numpy as np

from edgefeat_export.columns.column import ColumnKind, HashKind, Operand
from edgefeat_export.columns.drawing import Drawing
from edgefeat_export.columns.encoding import encode
from edgefeat_export.columns.refusing import inexact

__all__ = ["bins_of", "hash_kinds", "write_crossing", "write_hashing"]

_START: Final = 0xDECAFCAFFE  # the key of tf.sparse.cross_hashed
_FACTOR: Final = 0xC6A4A7935BD1E995
_SHIFT: Final = 47


def hash_kinds(layers: list[Any]) -> tuple[HashKind, ...]:
    """Return the hashes that layers need of values, each once, in the order of the layers."""
    return tuple(dict.fromkeys(kind for layer in layers for kind in _needed(layer)))


def bins_of(drawing: Drawing, layer: Any, x: Operand, count: int) -> str:
    """Return the bin of each value: the remainder of its hash, int64 of the same shape.

    Args:
        drawing: The graph.
        layer: A layer with a `salt`, or without one.
        x: Values of columns, unchanged.
        count: How many bins there are.

    Raises:
        BackboneError: The values were computed, so no device can hash them beforehand.
    """
    return _remainder(drawing, _hash_of(layer, x, _kind(layer)), count)


def write_hashing(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a Hashing.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: Values of columns, unchanged.

    Returns:
        int64 of the same shape, or float32 encoded.

    Raises:
        BackboneError: The values were computed, or are truth values.
    """
    x = inputs[0]
    masked = layer.mask_value is not None and layer.num_bins > 1
    index = bins_of(drawing, layer, x, layer.num_bins - masked)
    if masked:
        mask = drawing.add("Equal", x.name, _constant(drawing, x, layer.mask_value))
        moved = drawing.add("Add", index, drawing.whole(1))
        index = drawing.add("Where", mask, drawing.whole(0), moved)
        for column in (x.column, *(one for one, _ in x.sources)):
            if column is not None and column.kind is not ColumnKind.NUMBER:
                column.masks.append(layer.mask_value)
    found = Operand(name=_held(drawing, x, index), dtype="int64", shape=x.shape)
    if layer.output_mode == "int":
        return found
    return encode(drawing, layer, found, mode=layer.output_mode, depth=layer.num_bins)


def write_crossing(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a HashedCrossing: TensorFlow's `FingerprintCat64`, value by value.

    Whole numbers enter as they are, computed ones too; of texts their FarmHash.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: Two tensors of one shape: texts of columns, or whole numbers.

    Raises:
        BackboneError: Texts were computed, so no device can hash them beforehand.
    """
    total = _long(drawing, _START)
    for x in inputs:
        text = x.dtype == "string"
        word = _hash_of(layer, x, HashKind(None)) if text else _held(drawing, x, x.name)
        total = _joined(drawing, total, word)
    index = _remainder(drawing, total, layer.num_bins)
    found = Operand(name=index, dtype="int64", shape=inputs[0].shape)
    if layer.output_mode == "int":
        return found
    return encode(drawing, layer, found, mode=layer.output_mode, depth=layer.num_bins)


def _needed(layer: Any) -> Iterator[HashKind]:
    kind = type(layer).__name__
    if kind == "Hashing" or getattr(layer, "num_oov_indices", 0) > 1:
        yield _kind(layer)
    elif kind == "HashedCrossing":
        yield HashKind(None)


def _kind(layer: Any) -> HashKind:
    salt = getattr(layer, "salt", None)
    if salt is None:
        return HashKind(None)
    both = salt if isinstance(salt, list | tuple) else (salt, salt)
    return HashKind(b"".join((half % 2**64).to_bytes(8, "little") for half in both))


def _hash_of(layer: Any, x: Operand, kind: HashKind) -> str:
    """Return the input with the hash of each value."""
    if kind not in x.hashes:
        raise inexact(
            layer,
            "it hashes truth values, or what other layers computed: ONNX has no such hash, and a"
            " device hashes columns as they come",
            "Hash a column of texts or numbers itself, or use a lookup with a vocabulary, and train"
            " again.",
        )
    return x.hashes[kind]


def _constant(drawing: Drawing, x: Operand, value: Any) -> str:
    if x.dtype == "string":
        return drawing.constant([value])
    return drawing.constant(np.array(value, x.dtype))


def _held(drawing: Drawing, x: Operand, tensor: str) -> str:
    """Return whole numbers, without rows whose value no column of this type in Keras holds."""
    column = x.column
    if column is None or column.kind is not ColumnKind.INTEGER or column.dtype == "int64":
        return tensor
    low, high = column.limits
    below = drawing.add("Less", x.name, drawing.whole(low))
    above = drawing.add("Greater", x.name, drawing.whole(high))
    wrong = drawing.add("Or", below, above)
    return drawing.without(wrong, tensor, prod(side or 1 for side in x.shape[1:]))


def _remainder(drawing: Drawing, word: str, count: int) -> str:
    """Return the remainder of 64 bits without a sign."""
    bits = drawing.cast(word, "uint64")
    return drawing.cast(drawing.add("Mod", bits, drawing.constant(np.uint64(count))), "int64")


def _joined(drawing: Drawing, one: str, other: str) -> str:
    """Return the hash of two words: 64 bits, as int64, whose products wrap."""
    factor = _long(drawing, _FACTOR)
    mixed = _mixed(drawing, drawing.add("Mul", other, factor))
    found = drawing.add("BitwiseXor", one, factor)
    found = drawing.add("BitwiseXor", found, drawing.add("Mul", mixed, factor))
    found = _mixed(drawing, drawing.add("Mul", found, factor))
    return _mixed(drawing, drawing.add("Mul", found, factor))


def _mixed(drawing: Drawing, word: str) -> str:
    bits = drawing.cast(word, "uint64")
    far = drawing.constant(np.uint64(_SHIFT))
    high = drawing.add("BitShift", bits, far, direction="RIGHT")
    return drawing.cast(drawing.add("BitwiseXor", bits, high), "int64")


def _long(drawing: Drawing, bits: int) -> str:
    return drawing.constant(np.uint64(bits).astype(np.int64))
