"""The resize modes on any picture and any size."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefeat.model.spec import Colour, InputSpec, Interpolation, ResizeMode, ResizeSpec
from edgefeat.pictures import resize
from edgefeat.pictures.preprocess import Preprocessor

SIDES = st.integers(1, 700)
TARGETS = st.tuples(st.integers(1, 90), st.integers(1, 90))
LEVELS = st.integers(0, 255)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 701 + width).integers(0, 256, (height, width, 3), "u1")


@settings(max_examples=60)
@given(SIDES, SIDES, TARGETS, LEVELS)
def test_a_picture_of_one_colour_keeps_it(
    height: int, width: int, target: tuple[int, int], level: int
) -> None:
    flat = np.full((height, width, 3), level, np.uint8)
    for resample in (resize.antialias, resize.bilinear):
        assert (resample(flat, target) == level).all()


@settings(max_examples=60)
@given(SIDES, SIDES, TARGETS)
def test_averages_stay_within_the_pictures_range(
    height: int, width: int, target: tuple[int, int]
) -> None:
    pixels = noise(height, width) // 2 + 30
    got = resize.antialias(pixels, target)
    assert got.shape == (*target, 3)
    assert got.dtype == np.uint8
    assert pixels.min() <= got.min() <= got.max() <= pixels.max()


@settings(max_examples=60)
@given(
    SIDES,
    SIDES,
    TARGETS,
    st.sampled_from(ResizeMode),
    st.sampled_from(Interpolation),
    st.sampled_from(Colour),
)
def test_every_mode_gives_the_models_shape_and_leaves_the_picture_alone(
    height: int,
    width: int,
    target: tuple[int, int],
    mode: ResizeMode,
    interpolation: Interpolation,
    colour: Colour,
) -> None:
    resize_spec = ResizeSpec(mode=mode, interpolation=interpolation, crop_fraction=0.875)
    spec = InputSpec(size_hw=target, colour=colour, resize=resize_spec)
    pixels = noise(height, width)
    before = pixels.copy()
    got = Preprocessor.from_spec(spec)(pixels)
    assert got.shape == (*target, spec.channels)
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    assert np.array_equal(pixels, before)
