"""Fourteen networks in the three formats of Keras 2, opened and compared with what it computes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgefeat_export.cut.headless import Tap, cut
from edgefeat_export.saved.opening import open_model
from graph_support import relative_l2

WRITER = Path(__file__).parents[1] / "support" / "write_keras_two_corpus.py"
NAMES = (
    "plain",
    "functional",
    "separable",
    "augmented",
    "mixed",
    "attention",
    "teachable",
    "nested",
    "grey",
    "operators",
    "normalised",
    "transposed",
    "squeezed",
    "resized",
)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Keras 2 wrote, and computes, in a process of its own."""
    path = tmp_path_factory.mktemp("corpus")
    quiet = os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-W", "ignore", WRITER, path], check=True, env=quiet)
    return path


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", NAMES)
def test_the_answers_are_those_of_keras_two(name: str, suffix: str, corpus: Path) -> None:
    model, _ = open_model(corpus / f"{name}{suffix}", name=name)
    kept = np.load(corpus / f"{name}.npz")
    answers = np.asarray(model(kept["pixels"].astype(np.float32), training=False))
    assert relative_l2(answers, kept["answers"]) < (1e-3 if name == "mixed" else 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_is_cut_as_its_file_is(name: str, corpus: Path) -> None:
    """The same network gives the same features, whatever it was saved as."""
    pixels = np.load(corpus / f"{name}.npz")["pixels"].astype(np.float32)
    found = []
    for path in (corpus / name, corpus / f"{name}.h5"):
        model, find_head = open_model(path, name=name)
        headless = cut(model, [Tap(layer=find_head().layer)])
        found.append(np.asarray(headless.model(pixels, training=False)))
    assert relative_l2(*found) < 1e-5
