"""Models that Keras 2 itself saved: operation layers, models in models, calls counted from one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import IDENTITY
from edgefeat_export.saved.opening import open_model
from exported import exported
from graph_support import relative_l2

WRITER = Path(__file__).parents[2] / "support" / "write_keras_two.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Keras 2 wrote, and computes, in a process of its own."""
    path = tmp_path_factory.mktemp("keras_two")
    quiet = os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-W", "ignore", WRITER, path], check=True, env=quiet)
    return path


@pytest.mark.parametrize(
    "name", ["mobilenet_inside", "resnet50_inside", "arithmetic", "sequential", "in_a_sequential"]
)
def test_the_features_are_those_of_keras_two(name: str, folder: Path) -> None:
    network = of_file(folder / f"{name}.h5", normalisation=IDENTITY)
    kept = np.load(folder / f"{name}.npz")
    features = exported(network, kept["pixels"])
    assert relative_l2(features, kept["features"]) < 1e-5


CORPUS = WRITER.parent / "write_keras_two_corpus.py"
SOME = ["separable", "mixed", "attention", "teachable", "grey", "squeezed"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks of today's Keras 2, as .keras and .h5; `make test-keras2` has all of them."""
    path = tmp_path_factory.mktemp("corpus")
    quiet = os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-W", "ignore", CORPUS, path, *SOME], check=True, env=quiet)
    return path


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", SOME)
def test_a_whole_network_answers_as_in_keras_two(name: str, suffix: str, corpus: Path) -> None:
    model, _ = open_model(corpus / f"{name}{suffix}", name=name)
    kept = np.load(corpus / f"{name}.npz")
    answers = np.asarray(model(kept["pixels"].astype(np.float32), training=False))
    assert relative_l2(answers, kept["answers"]) < (1e-3 if name == "mixed" else 1e-6)


def test_an_operation_that_is_not_known_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(BackboneError) as refusal:
        of_file(folder / "unknown.h5", normalisation=IDENTITY)
    assert str(refusal.value) == (
        f"{folder / 'unknown.h5'}: layer 'tf.image.rgb_to_hsv' calls tf.image.rgb_to_hsv, which"
        " this exporter cannot take over from Keras 2. Export the model as a SavedModel with the"
        " Keras that made it, and give that."
    )


def test_preprocessing_inside_is_seen(folder: Path) -> None:
    network = of_file(folder / "mobilenet_inside.h5", normalisation=None)
    assert network.normalisation == IDENTITY
