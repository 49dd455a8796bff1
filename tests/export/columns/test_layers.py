"""Each preprocessing layer beside Keras's own: equal in every value, whatever comes in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from edgefeat.model.hashed_inputs import hashed_inputs
from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.drawing import Drawing
from edgefeat_export.columns.entrances import Entrance
from edgefeat_export.columns.hashing import hash_kinds
from edgefeat_export.columns.translators import TRANSLATORS

WORDS = ["Rome", "Köln", "é", "e\u0301", "İ", "ı", "x\x00y", "x", " ", "a b", "👨‍👩‍👧"]
WHOLE = [0, 5, -7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
EDGES = [-1.5, 0.0, 0.1, 1.0, 3.0, 1e30]
TEXTS = ["The quick, brown FOX", "don't stop!", "a b c a b", "İstanbul É é", "日本 語 x\x00y", "z"]
ENCODED = ("one_hot", "multi_hot", "count")


def adapted(**options: Any) -> layers.TextVectorization:
    layer = layers.TextVectorization(**options)
    layer.adapt(tf.constant(TEXTS)[:, None])
    return layer


def normalization(**options: Any) -> layers.Normalization:
    layer = layers.Normalization(mean=[1.0, -2.5, 0.1], variance=[0.0, 1e-20, 7.0], **options)
    layer.build((None, 3))
    return layer


STRING_LAYERS: dict[str, Callable[[], Any]] = {
    "int": lambda: layers.StringLookup(vocabulary=WORDS),
    "mask": lambda: layers.StringLookup(vocabulary=WORDS, mask_token=""),
    "tf_idf": lambda: layers.StringLookup(
        vocabulary=WORDS, output_mode="tf_idf", idf_weights=np.linspace(0.1, 2, len(WORDS))
    ),
    **{
        mode: partial(layers.StringLookup, vocabulary=WORDS, mask_token="", output_mode=mode)
        for mode in ENCODED
    },
    "padded": lambda: layers.StringLookup(
        vocabulary=WORDS, output_mode="count", max_tokens=20, pad_to_max_tokens=True
    ),
    "hashed bins": lambda: layers.StringLookup(vocabulary=WORDS, num_oov_indices=5, mask_token=""),
    "salted bins": lambda: layers.StringLookup(vocabulary=WORDS, num_oov_indices=5, salt=[1, -2]),
    "hash": lambda: layers.Hashing(7),
    "hash of one bin": lambda: layers.Hashing(1, mask_value=""),
    "masked hash": lambda: layers.Hashing(7, mask_value="Rome"),
    "salted hash": lambda: layers.Hashing(2**31 - 1, salt=[-(2**63), 2**63 - 1]),
    **{
        f"hash {mode}": partial(layers.Hashing, 7, mask_value="x", output_mode=mode)
        for mode in ENCODED
    },
}
INTEGER_LAYERS: dict[str, Callable[[], Any]] = {
    "int": lambda: layers.IntegerLookup(vocabulary=WHOLE),
    "mask": lambda: layers.IntegerLookup(vocabulary=WHOLE[1:], mask_token=0),
    "three bins": lambda: layers.IntegerLookup(vocabulary=WHOLE, num_oov_indices=3),
    **{
        mode: partial(layers.IntegerLookup, vocabulary=WHOLE[1:], mask_token=0, output_mode=mode)
        for mode in ENCODED
    },
    "category one_hot": lambda: layers.CategoryEncoding(4, "one_hot"),
    "inverted": lambda: layers.StringLookup(vocabulary=WORDS, invert=True),
    "hashed bins": lambda: layers.IntegerLookup(
        vocabulary=WHOLE, num_oov_indices=3, oov_method="farmhash"
    ),
    "salted bins": lambda: layers.IntegerLookup(
        vocabulary=WHOLE[1:], mask_token=0, num_oov_indices=3, oov_method="farmhash", salt=7
    ),
    "hash": lambda: layers.Hashing(2**40, mask_value=5),
    "salted hash": lambda: layers.Hashing(11, salt=133, output_mode="count"),
}
NUMBER_LAYERS: dict[str, Callable[[], Any]] = {
    **{
        f"bins {mode}": partial(layers.Discretization, EDGES, output_mode=mode)
        for mode in ("int", *ENCODED)
    },
    "normalization": normalization,
    "inverted normalization": lambda: normalization(invert=True),
    "rescaling": lambda: layers.Rescaling(1 / 7, -1),
}
TEXT_LAYERS: dict[str, Callable[[], Any]] = {
    "default": adapted,
    "lower": lambda: adapted(standardize="lower", output_sequence_length=4),
    "strip": lambda: adapted(standardize="strip_punctuation", output_mode="count"),
    "as it is": lambda: adapted(standardize=None, output_mode="tf_idf"),
    "n-grams": lambda: adapted(ngrams=3, output_sequence_length=9),
    "some n-grams": lambda: adapted(ngrams=(1, 3), output_mode="multi_hot"),
    "characters": lambda: adapted(split="character"),
    "plain characters": lambda: adapted(split="character", standardize=None, ngrams=2),
    "whole": lambda: adapted(split=None, output_mode="one_hot"),
}


@cache
def pair(
    kind: str, name: str, dtype: str, width: int
) -> tuple[Any, ort.InferenceSession, KerasColumn]:
    """Return a layer, a session of what it was written as, and its column."""
    tables = {
        "h": {"hash": lambda: layers.Hashing(2**40)},
        "i": INTEGER_LAYERS,
        "n": NUMBER_LAYERS,
        "s": STRING_LAYERS,
        "t": TEXT_LAYERS,
    }
    layer = tables[kind][name]()
    drawing = Drawing()
    column = KerasColumn(name="x", dtype=dtype, shape=(width,))
    x = Entrance(drawing, [column], hash_kinds([layer])).of(column)
    result = TRANSLATORS[type(layer).__name__](drawing, layer, [x])
    drawing.output("y", result.name, result.dtype, [None] * len(result.shape))
    model = drawing.model("one layer")
    onnx.checker.check_model(model, full_check=True)
    return layer, ort.InferenceSession(model.SerializeToString()), column


def require_equal(kind: str, name: str, dtype: str, values: np.ndarray) -> None:
    layer, session, column = pair(kind, name, dtype, values.shape[1])
    given = values
    if dtype == "string":
        given = np.array([word.encode() for word in values.ravel()], object).reshape(values.shape)
    wanted = np.asarray(layer(tf.constant(given)))
    (ours,) = session.run(None, {"x": values, **hashed_inputs(column.hashes, values)})
    if wanted.dtype == object:
        wanted = np.array([word.decode() for word in wanted.ravel()], object)
        wanted = wanted.reshape(ours.shape)
    assert ours.shape == wanted.shape
    np.testing.assert_array_equal(ours, wanted)


def objects(rows: list[list[str]]) -> np.ndarray:
    array = np.empty((len(rows), len(rows[0])), object)
    array[:] = rows
    return array


TOKENS = ["the", "quick", "a", "b", "İstanbul", "DON'T", ","]
characters = st.characters(exclude_categories=["Cs"])  # surrogates are no UTF-8
anything = st.text(characters, max_size=12)
words = st.one_of(st.sampled_from([*WORDS, "", "[UNK]", "x\x00", "rome"]), anything)
few = settings(max_examples=15, deadline=None)


@pytest.mark.parametrize("name", STRING_LAYERS)
@few
@given(st.lists(st.lists(words, min_size=3, max_size=3), min_size=1, max_size=12))
def test_lookups_of_strings_are_equal(name: str, rows: list[list[str]]) -> None:
    require_equal("s", name, "string", objects(rows))


@pytest.mark.parametrize("name", INTEGER_LAYERS)
@few
@given(
    st.lists(
        st.one_of(st.sampled_from(WHOLE), st.integers(-(2**63), 2**63 - 1), st.integers(-3, 9)),
        min_size=3,
        max_size=36,
    )
)
def test_lookups_of_whole_numbers_are_equal(name: str, numbers: list[int]) -> None:
    rows = np.array(numbers[: len(numbers) // 3 * 3], np.int64).reshape(-1, 3)
    require_equal("i", name, "int64", rows)


@pytest.mark.parametrize("name", NUMBER_LAYERS)
@few
@given(st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=60))
def test_numbers_of_every_bit_pattern_are_equal(name: str, bits: list[int]) -> None:
    edges = np.array(EDGES, np.float32)
    near = np.concatenate(
        [edges, np.nextafter(edges, np.float32(-9)), np.nextafter(edges, np.float32(9))]
    )
    drawn = np.array(bits[: len(bits) // 3 * 3], np.uint32).view(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        require_equal("n", name, "float32", np.concatenate([near, drawn]).reshape(-1, 3))


@pytest.mark.parametrize("name", TEXT_LAYERS)
@few
@given(
    st.lists(
        st.one_of(
            st.lists(
                st.one_of(st.sampled_from(TOKENS), anything),
                max_size=6,
            ).map(" ".join),
            st.sampled_from(["", " ", "\t\n\v\f\r", "!!!", "a\x1cb\x85c\u3000d", *TEXTS]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_texts_are_equal(name: str, texts: list[str]) -> None:
    require_equal("t", name, "string", objects([[text] for text in texts]))


HASHED_NUMBERS = [0.0, -0.0, 0.9, -0.9, 7.0, 1e-45, 2.0**24 + 2, -(2.0**62), 2.0**63 - 2.0**39]
parts_of_numbers = st.floats(-(2.0**62), 2.0**62, width=32)


@few
@given(st.lists(st.one_of(st.sampled_from(HASHED_NUMBERS), parts_of_numbers), min_size=1))
def test_of_numbers_the_whole_part_is_hashed(numbers: list[float]) -> None:
    require_equal("h", "hash", "float32", np.array(numbers, np.float32)[:, None])


@cache
def crossing(dtypes: tuple[str, str]) -> tuple[Any, ort.InferenceSession, list[KerasColumn]]:
    layer = layers.HashedCrossing(2**31 - 1)
    drawing = Drawing()
    columns = [KerasColumn(name=f"x{n}", dtype=one, shape=(1,)) for n, one in enumerate(dtypes)]
    entrance = Entrance(drawing, columns, hash_kinds([layer]))
    result = TRANSLATORS["HashedCrossing"](drawing, layer, [entrance.of(one) for one in columns])
    drawing.output("y", result.name, "int64", [None, 1])
    model = drawing.model("crossing")
    entrance.drop_unread(model)
    return layer, ort.InferenceSession(model.SerializeToString()), columns


@few
@given(
    st.lists(
        st.tuples(words, words, st.integers(-(2**63), 2**63 - 1), st.integers(-9, 9)), min_size=1
    )
)
@pytest.mark.parametrize("dtypes", [("string", "string"), ("string", "int64"), ("int64", "int64")])
def test_crossings_are_equal(dtypes: tuple[str, str], rows: list[tuple[Any, ...]]) -> None:
    layer, session, columns = crossing(dtypes)
    feed: dict[str, Any] = {}
    given: list[Any] = []
    for number, (column, dtype) in enumerate(zip(columns, dtypes, strict=True)):
        place = number if dtype == "string" else number + 2
        array = np.array([[row[place]] for row in rows], object if dtype == "string" else np.int64)
        feed |= {column.name: array, **hashed_inputs(column.hashes, array)}
        as_bytes = [[row[place].encode()] for row in rows] if dtype == "string" else array
        given.append(tf.constant(as_bytes))
    (ours,) = session.run(None, feed)
    np.testing.assert_array_equal(ours, np.asarray(layer(given)))
