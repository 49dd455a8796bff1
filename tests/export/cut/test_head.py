"""The end of the features is found in every kind of network, and asked for where nobody knows."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgefeat.errors import OptionError
from edgefeat_export.cut.head import Candidate, Head
from edgefeat_export.cut.headless import Tap, cut
from edgefeat_export.cut.tracing import head_of
from edgefeat_export.saved.traced import open_trace
from head_networks import SHAPE, SURE, UNSURE, Build

PIXELS = np.random.default_rng(0).random((2, *SHAPE), np.float32)
TRACED = ("flattened", "unit length", "linear, few", "maps", "unet", "two answers", "columns")


def network(build: Build) -> keras.Model:
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    image = keras.Input(SHAPE, name="image")
    return keras.Model(image, build(image), name="made")


@pytest.mark.parametrize("kind", SURE)
def test_the_end_of_the_features_is_found(kind: str) -> None:
    build, layer, reason = SURE[kind]
    head = head_of(network(build))
    assert head.layer == layer
    assert reason in head.reason
    assert head.sure


@pytest.mark.parametrize("kind", UNSURE)
def test_candidates_are_listed_where_nobody_knows(kind: str) -> None:
    build, layer, doubt = UNSURE[kind]
    head = head_of(network(build))
    assert doubt in head.doubt
    assert head.layer == layer
    assert len({one.layer for one in head.candidates}) >= 3
    with pytest.raises(OptionError, match=r"Candidates: .*Name one with layers; `--yes` "):
        head.require_sure("made")


@pytest.mark.parametrize("kind", [*TRACED, "100 numbers"])
def test_a_trace_is_cut_at_the_same_tensor(kind: str) -> None:
    model = network((SURE | UNSURE)[kind][0])

    def run(image: tf.Tensor) -> object:
        return model(image, training=False)

    spec = tf.TensorSpec((None, *SHAPE), tf.float32)
    traced, find_head = open_trace(
        tf.function(run).get_concrete_function(spec), Path("saved"), "saved"
    )
    expected, got = head_of(model), find_head()
    assert got.sure == expected.sure
    vectors = [
        np.asarray(cut(one, [Tap()], end=head.layer).model(PIXELS))
        for one, head in ((model, expected), (traced, got))
    ]
    np.testing.assert_allclose(vectors[1], vectors[0], rtol=1e-4, atol=1e-6)


def test_the_refusal_names_every_candidate() -> None:
    head = Head(
        (Candidate("a", "the first", (8,)), Candidate("b", "a map", (4, 4, 8))), False, "why"
    )
    with pytest.raises(OptionError) as refusal:
        head.require_sure("mine")
    assert str(refusal.value) == (
        "mine: why, so it is not known where its features are. Candidates: 'a' (8): the first;"
        " 'b' (4x4x8): a map. Name one with layers; `--yes` (`take_first=True`) takes the first."
    )
