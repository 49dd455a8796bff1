"""The runtime's steps, one by one: `make bench`."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import edgefeat
from edgefeat.corpus.at_hand import AtHand
from edgefeat.corpus.extracting import extract_pictures
from edgefeat.model.shipped import default_model_path, sample_photos
from edgefeat.options.many import ManyOptions
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat.sources import ArraySource


class ForgettingSink:
    """A sink that keeps nothing, so that no disk is timed."""

    def write(self, name: str, features: object) -> None:
        pass

    def commit(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_decode(benchmark: BenchmarkFixture, photo: bytes) -> None:
    assert benchmark(load_bgr, photo).ndim == 3


@pytest.mark.parametrize("size_hw", [(480, 640), (1080, 1920)], ids=["vga", "1080p"])
def test_resize(
    benchmark: BenchmarkFixture, extractor: edgefeat.FeatureExtractor, size_hw: tuple[int, int]
) -> None:
    frame = np.random.default_rng(7).integers(0, 256, (*size_hw, 3), np.uint8)
    resize = Preprocessor.from_spec(extractor.spec.input)
    assert benchmark(resize, frame).shape[:2] == extractor.spec.input.size_hw


def test_run(
    benchmark: BenchmarkFixture, extractor: edgefeat.FeatureExtractor, photo: bytes
) -> None:
    pixels = extractor.prepare(photo)[np.newaxis]
    assert benchmark(extractor.extract_prepared, pixels).shape == (1, extractor.dim)


def test_extract(
    benchmark: BenchmarkFixture, extractor: edgefeat.FeatureExtractor, photo: bytes
) -> None:
    assert benchmark(extractor.extract, photo).shape == (extractor.dim,)


def test_stream(benchmark: BenchmarkFixture, extractor: edgefeat.FeatureExtractor) -> None:
    frames = [load_bgr(path) for path in sample_photos()] * 5

    def all_of_them() -> int:
        return sum(1 for _ in edgefeat.stream(ArraySource(frames), extractor))

    assert benchmark(all_of_them) == len(frames)


def test_corpus(benchmark: BenchmarkFixture, extractor: edgefeat.FeatureExtractor) -> None:
    paths = [str(path) for path in sample_photos()] * 5
    at_hand, many = AtHand.of(paths), ManyOptions(workers=1, batch=1)
    sink = ForgettingSink()
    assert benchmark(extract_pictures, paths, at_hand, extractor, sink, many=many) == []


def test_cold_start(benchmark: BenchmarkFixture) -> None:
    photo = str(sample_photos()[0])
    script = "import sys, edgefeat; edgefeat.FeatureExtractor(sys.argv[1]).extract(sys.argv[2])"
    command = [sys.executable, "-c", script, str(default_model_path()), photo]
    benchmark.pedantic(subprocess.run, (command,), {"check": True}, rounds=11)


def test_import(benchmark: BenchmarkFixture) -> None:
    command = [sys.executable, "-c", "import edgefeat"]
    benchmark.pedantic(subprocess.run, (command,), {"check": True}, rounds=11)
