"""Small networks for tables and texts, with random weights and vocabularies of awkward words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

CITIES = ["Rome", "Paris", "Köln", "İstanbul", "São Paulo", "東京", "e\u0301", "é", "a b", "x\x00y"]
DOCUMENTS = [
    "great sweet apples, don't miss!",
    "Ripe BANANAS for a good price",
    "sour e-mail milk",
    "İyi ürün, çok GÜZEL",
    "the best bread in town is the best",
]


def _column(name: str, dtype: str = "float32", shape: tuple[int, ...] = (1,)) -> keras.KerasTensor:
    return keras.Input(shape, dtype=dtype, name=name)


def feature_space() -> keras.Model:
    """A FeatureSpace of every kind that does not hash, under a perceptron."""
    rng, rows = np.random.default_rng(0), 200
    table = {
        "age": rng.normal(45, 15, rows).astype(np.float32),
        "city": rng.choice(CITIES[:6], rows),
        "income": rng.lognormal(8, 1, rows).astype(np.float32),
        "kind": rng.choice(["flat", "house"], rows),
        "rooms": rng.integers(1, 9, rows),
        "share": rng.uniform(0, 1, rows).astype(np.float32),
    }
    kinds = keras.utils.FeatureSpace
    space = kinds(
        features={
            "age": kinds.float_normalized(),
            "city": kinds.string_categorical(num_oov_indices=1),
            "income": kinds.float_discretized(num_bins=8),
            "kind": kinds.string_categorical(num_oov_indices=1),
            "rooms": kinds.integer_categorical(num_oov_indices=1),
            "share": kinds.float_rescaled(scale=2.0, offset=-1.0),
        },
        output_mode="concat",
    )
    space.adapt(tf.data.Dataset.from_tensor_slices(table).batch(64))
    hidden = layers.Dense(16, activation="relu", name="hidden")(space.get_encoded_features())
    return keras.Model(space.get_inputs(), layers.Dense(1)(hidden), name="feature_space")


def mixed_table() -> keras.Model:
    """Numbers, whole numbers and categories, through lookups and embeddings."""
    age, income = _column("age"), _column("income", "float64")
    rooms, city = _column("rooms", "int32"), _column("city", "string")
    kind = _column("kind", "string", ())
    words = layers.StringLookup(vocabulary=CITIES, mask_token="")
    kinds = layers.StringLookup(vocabulary=["flat", "house"], output_mode="one_hot")
    known = layers.IntegerLookup(vocabulary=[1, 2, 5, -7, 2**31 - 1], num_oov_indices=3)
    hidden = layers.Concatenate()(
        [
            layers.Normalization(axis=None, mean=40.0, variance=81.0)(age),
            layers.Rescaling(1e-4)(income),
            layers.Flatten()(layers.Embedding(words.vocabulary_size(), 4)(words(city))),
            layers.Flatten()(layers.Embedding(known.vocabulary_size(), 3)(known(rooms))),
            kinds(kind),
        ]
    )
    hidden = layers.Dense(16, activation="gelu")(hidden)
    hidden = layers.BatchNormalization()(hidden)
    hidden = layers.Dense(8, activation="tanh", name="hidden")(hidden)
    output = layers.Dense(1)(layers.Dropout(0.3)(hidden))
    return keras.Model([age, income, rooms, city, kind], output, name="mixed")


def sentence(pool: str = "mean", **options: Any) -> keras.Model:
    """A text as pooled embeddings of its tokens."""
    text = _column("text", "string")
    vectorize = layers.TextVectorization(max_tokens=40, output_sequence_length=12, **options)
    vectorize.adapt(tf.constant(DOCUMENTS))
    tokens = layers.Embedding(40, 8, mask_zero=pool != "conv")(vectorize(text))
    if pool == "conv":
        tokens = layers.Conv1D(8, 3, activation="relu")(tokens)
    if pool == "attention":
        tokens = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    pools: dict[str, Any] = {
        "mean": layers.GlobalAveragePooling1D,
        "attention": layers.GlobalAveragePooling1D,
        "conv": layers.GlobalMaxPooling1D,
        "joined": joined,
        "lstm": lambda name: layers.LSTM(6, name=name),
        "gru": lambda name: layers.Bidirectional(layers.GRU(3), name=name),
        "rnn": lambda name: layers.SimpleRNN(6, name=name),
    }
    return keras.Model(text, layers.Dense(1)(pools[pool](name="pool")(tokens)), name=pool)


def autoencoder() -> keras.Model:
    """Twenty numbers to eight, and back."""
    numbers = _column("x", shape=(20,))
    scaled = layers.Normalization(
        mean=np.linspace(-3, 9, 20).tolist(), variance=np.linspace(0.1, 40, 20).tolist()
    )(numbers)
    narrow = layers.Dense(8, name="bottleneck")(layers.Dense(16, activation="gelu")(scaled))
    back = layers.Dense(20)(layers.Dense(16, activation="gelu")(narrow))
    return keras.Model(numbers, back, name="autoencoder")


def category() -> keras.Model:
    """One word as its embedding."""
    city = _column("city", "string")
    words = layers.StringLookup(vocabulary=CITIES)
    vector = layers.Flatten(name="vector")(layers.Embedding(len(CITIES) + 1, 6)(words(city)))
    return keras.Model(city, vector, name="category")


def nested() -> keras.Model:
    """A model and a Sequential inside another one; the inner one takes a value without an axis."""
    age, city = _column("inner_age", shape=()), _column("inner_city", "string")
    words = layers.StringLookup(vocabulary=CITIES)
    encoder = keras.Model(
        {"inner_age": age, "inner_city": city},
        layers.Concatenate()(
            [
                layers.Reshape((1,))(layers.Rescaling(0.01)(age)),
                layers.Flatten()(layers.Embedding(len(CITIES) + 1, 4)(words(city))),
            ]
        ),
        name="encoder",
    )
    perceptron = keras.Sequential(
        [layers.Input((5,)), layers.Normalization(mean=0.5, variance=4.0), layers.Dense(6, "tanh")],
        name="perceptron",
    )
    outer = _column("age"), _column("city", "string"), _column("x", shape=(5,))
    both = layers.Concatenate()(
        [encoder({"inner_age": outer[0], "inner_city": outer[1]}), perceptron(outer[2])]
    )
    hidden = layers.Dense(8, activation="selu", name="hidden")(both)
    return keras.Model(outer, layers.Dense(2)(hidden), name="nested")


def bag_of_words() -> keras.Model:
    """A Sequential that begins with a TextVectorization of n-grams."""
    vectorize = layers.TextVectorization(output_mode="tf_idf", ngrams=2, max_tokens=60)
    vectorize.adapt(tf.constant(DOCUMENTS))
    return keras.Sequential(
        [
            layers.Input((1,), dtype="string", name="text"),
            vectorize,
            layers.Dense(8, activation="elu", name="hidden"),
            layers.Dense(1),
        ],
        name="bag",
    )


def in_stages() -> keras.Model:
    """Numbers first, then bins of them, then numbers again."""
    income = _column("income")
    small = keras.ops.log1p(keras.ops.abs(income))
    bins = layers.Discretization(bin_boundaries=[0.1, 0.5, 1.0, 2.0, 4.0])(small)
    vector = layers.Flatten()(layers.Embedding(6, 3)(bins))
    joined = layers.UnitNormalization()(layers.Concatenate()([vector, keras.ops.expm1(-small)]))
    return keras.Model(
        income, layers.Dense(1)(layers.Dense(5, name="hidden")(joined)), name="stages"
    )


def shared() -> keras.Model:
    """One lookup and one embedding for two columns, one of which is a part of an input."""
    pair = _column("cities", "string", (2,))
    words, rows = layers.StringLookup(vocabulary=CITIES), layers.Embedding(len(CITIES) + 1, 3)
    flat = layers.Flatten()
    first, second = flat(rows(words(pair[:, :1]))), flat(rows(words(pair[:, 1:])))
    product = layers.Multiply(name="hidden")([first, second])
    return keras.Model(pair, layers.Dense(1)(product), name="shared")


def joined() -> keras.Model:
    """Two columns side by side, missing words under a mask."""
    columns = [_column(name, "string") for name in ("home", "work")]
    words = layers.StringLookup(vocabulary=CITIES, mask_token="")
    tokens = layers.Embedding(len(CITIES) + 2, 4, mask_zero=True)(
        words(layers.Concatenate()(columns))
    )
    return keras.Model(columns, layers.GlobalAveragePooling1D(name="place")(tokens), name="joined")


def series() -> keras.Model:
    """A sequence of numbers under a mask, through two recurrent layers."""
    steps = _column("steps", shape=(6, 3))
    hidden = layers.LSTM(5, return_sequences=True)(layers.Masking()(steps))
    return keras.Model(steps, layers.Dense(1)(layers.GRU(4, name="hidden")(hidden)), name="series")


def codes() -> keras.Model:
    """Whole numbers as they are: encoded, and straight into an Embedding."""
    kind, place = _column("kind", "int64", (3,)), _column("place", "int64")
    counts = layers.CategoryEncoding(5, "count")(kind)
    vector = layers.Flatten()(layers.Embedding(7, 4)(place))
    hidden = layers.Dense(6, activation="tanh", name="hidden")(
        layers.Concatenate()([counts, vector])
    )
    return keras.Model([kind, place], layers.Dense(1)(hidden), name="codes")


def hashed() -> keras.Model:
    """Every layer that hashes: words, whole numbers, numbers, parts of an input, and pairs."""
    city, kind, place = _column("city", "string"), _column("kind", "string"), _column("place")
    rooms, code = _column("rooms", "int32"), _column("code", "int64")
    three = _column("three", "string", (3,))
    bins = layers.Discretization(bin_boundaries=[0.0, 1.0])(place)
    salted = layers.Hashing(9, salt=[133, -137], mask_value="x")
    hot: Any = {"output_mode": "one_hot"}
    flat = layers.Flatten()
    parts = [
        flat(layers.Embedding(16, 3)(layers.Hashing(16, mask_value="")(kind))),
        flat(layers.Embedding(9, 3)(salted(city))),
        layers.Hashing(7, **hot)(rooms),
        layers.Hashing(7, salt=5, output_mode="count")(three[:, 1:]),
        layers.Hashing(11, **hot)(place),
        layers.Hashing(6, output_mode="multi_hot")(layers.Concatenate()([city, kind])),
        layers.StringLookup(vocabulary=CITIES, num_oov_indices=4, **hot)(city),
        layers.IntegerLookup(vocabulary=[4], num_oov_indices=4, oov_method="farmhash", **hot)(code),
        layers.HashedCrossing(13, **hot)([city, rooms]),
        layers.HashedCrossing(13, **hot)([bins, code]),
    ]
    hidden = layers.Dense(8, activation="tanh", name="hidden")(layers.Concatenate()(parts))
    return keras.Model([city, kind, place, rooms, code, three], layers.Dense(1)(hidden))


def crossed_space() -> keras.Model:
    """A FeatureSpace that hashes and crosses."""
    rng, rows = np.random.default_rng(1), 100
    kinds = keras.utils.FeatureSpace
    space = kinds(
        features={
            "city": kinds.string_hashed(num_bins=12),
            "code": kinds.integer_hashed(num_bins=9),
            "kind": kinds.string_categorical(num_oov_indices=3),
            "age": kinds.float_discretized(num_bins=4),
        },
        crosses=[kinds.cross(("kind", "age"), crossing_dim=16)],
        output_mode="concat",
    )
    table = {
        "city": rng.choice(CITIES, rows),
        "code": rng.integers(-99, 99, rows),
        "kind": rng.choice(["flat", "house"], rows),
        "age": rng.normal(45, 15, rows).astype(np.float32),
    }
    space.adapt(tf.data.Dataset.from_tensor_slices(table).batch(64))
    hidden = layers.Dense(6, activation="relu", name="hidden")(space.get_encoded_features())
    return keras.Model(space.get_inputs(), layers.Dense(1)(hidden))


NETWORKS: Mapping[str, Callable[[], keras.Model]] = MappingProxyType(
    {
        "autoencoder": autoencoder,
        "bag": bag_of_words,
        "category": category,
        "codes": codes,
        "crossed_space": crossed_space,
        "feature_space": feature_space,
        "hashed": hashed,
        "joined": joined,
        "lstm": lambda: sentence("lstm"),
        "mean": sentence,
        "mixed": mixed_table,
        "nested": nested,
        "shared": shared,
        "stages": in_stages,
    }
)
MORE_NETWORKS: Mapping[str, Callable[[], keras.Model]] = MappingProxyType(
    {
        "attention": lambda: sentence("attention"),
        "characters": lambda: sentence("conv", split="character"),
        "conv": lambda: sentence("conv"),
        "gru": lambda: sentence("gru"),
        "rnn": lambda: sentence("rnn"),
        "series": series,
    }
)


def saved(name: str, folder: object) -> str:
    """Save a network of one of the two lists; return its path."""
    keras.utils.set_random_seed(4)
    path = f"{folder}/{name}.keras"
    {**NETWORKS, **MORE_NETWORKS}[name]().save(path)
    return path
