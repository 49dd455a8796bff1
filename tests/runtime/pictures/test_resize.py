"""The resize modes against naive NumPy, and the promise of equal pixels on every CPU."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from area_oracle import naive_area
from edgefeat.model.spec import InputSpec, ResizeMode, ResizeSpec
from edgefeat.pictures import resize
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat.pictures.resize import staged

TESTS = Path(__file__).parents[2]
Pixels = NDArray[np.uint8]


def naive_bilinear(pixels: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[np.float64]:
    """Interpolation between pixel centres, edge pixels repeated, in float64."""
    values = pixels.astype(np.float64)
    for axis, target in enumerate(size_hw):
        n = values.shape[axis]
        where = np.clip((np.arange(target) + 0.5) * n / target - 0.5, 0, n - 1)
        low = np.floor(where).astype(int)
        shape = [1, 1, 1]
        shape[axis] = target
        part = (where - low).reshape(shape)
        high = np.minimum(low + 1, n - 1)
        values = values.take(low, axis) * (1 - part) + values.take(high, axis) * part
    return values


def naive_halve(values: Pixels, axes: tuple[int, ...]) -> Pixels:
    """The mean of 2x2 blocks, halves rounded up, or of pairs, halves rounded down."""
    total = values.astype(np.int64)
    for axis in axes:
        total = total.take(range(0, total.shape[axis], 2), axis) + total.take(
            range(1, total.shape[axis], 2), axis
        )
    count = 2 ** len(axes)
    return ((total + count // 4 * 2) // count).astype(np.uint8)


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(50, 70), (96, 96), (131, 97), (300, 200)], ids=str)
def test_bilinear_is_naive_bilinear_within_one_level(size: tuple[int, int]) -> None:
    got = resize.bilinear(noise(*size), (96, 96))
    assert np.abs(got - naive_bilinear(noise(*size), (96, 96))).max() <= 1


def gaussian(variance: float, taps: int) -> list[int]:
    """The symmetric kernel 1, q, q**4 of that variance, in 256ths that sum to 256.

    As OpenCV's, a weight takes over what rounding took from the next one outwards.
    """
    q = np.linspace(0, 1, 100_001)[:, None] ** (np.arange(taps // 2 + 1) ** 2)
    sums = 2 * q.sum(axis=1) - 1
    found = 2 * (q * np.arange(taps // 2 + 1) ** 2).sum(axis=1) / sums
    best = np.abs(found - variance).argmin()
    outer_first = 256 * q[best, :0:-1] / sums[best]
    side = np.diff(np.rint(np.cumsum(outer_first)), prepend=0).astype(int).tolist()
    return [*side, 256 - 2 * sum(side), *side[::-1]]


def naive_blur(values: Pixels, kernel: list[int], axis: int) -> Pixels:
    """One axis by a kernel in 256ths, edges repeated, rounded once."""
    reach = len(kernel) // 2
    padding = [(0, 0)] * 3
    padding[axis] = (reach, reach)
    padded = np.pad(values.astype(np.int64), padding, mode="edge")
    n = values.shape[axis]
    total = np.zeros(values.shape, np.int64)
    for i, weight in enumerate(kernel):
        total += weight * padded.take(range(i, i + n), axis)
    return ((total + 128) >> 8).astype(np.uint8)


@pytest.mark.parametrize(
    ("side", "repeats", "samples", "taps", "variance"),
    [
        pytest.param(80, 1, 1, 1, 0, id="enlarged"),
        pytest.param(96, 1, 1, 1, 0, id="kept"),
        pytest.param(105, 1, 1, 1, 0, id="1.09, too little to blur"),
        pytest.param(130, 2, 1, 3, (4 * (130 / 96) ** 2 - 1) / 12, id="1.35, repeated"),
        pytest.param(182, 1, 2, 1, 0, id="1.90, two samples"),
        pytest.param(208, 1, 2, 1, 0, id="2.17, two samples"),
        pytest.param(260, 1, 1, 3, ((260 / 96) ** 2 - 1) / 12, id="2.71, one sample"),
        pytest.param(322, 1, 2, 3, ((322 / 96) ** 2 - 4) / 48, id="3.35, two samples"),
        pytest.param(370, 1, 1, 5, ((370 / 96) ** 2 - 1) / 12, id="3.85, one sample"),
        pytest.param(422, 1, 1, 5, ((422 / 96) ** 2 - 1) / 12, id="4.40, one sample"),
        pytest.param(900, 1, 2, 5, ((900 / 96) ** 2 - 4) / 48, id="9.38, the other being short"),
    ],
)
@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
def test_stages_are_blur_samples_and_halving(
    axis: int, side: int, repeats: int, samples: int, taps: int, variance: float
) -> None:
    pixels = noise(side, 96) if axis == 0 else noise(96, side)
    oracle = naive_blur(pixels.repeat(repeats, axis), gaussian(variance, taps), axis)
    between = (96 * samples, 96) if axis == 0 else (96, 96 * samples)
    oracle = np.rint(naive_bilinear(oracle, between)).astype(np.uint8)
    oracle = naive_halve(oracle, (axis,)) if samples == 2 else oracle
    assert np.abs(staged.shrink(pixels, (96, 96)) - oracle.astype(int)).max() <= 1


def test_the_mean_of_rows_alone_is_left_to_a_gaussian() -> None:
    kernel = gaussian(((274 / 96) ** 2 - 1) / 12, 3)
    oracle = naive_bilinear(naive_blur(noise(274, 96), kernel, 0), (96, 96))
    assert np.abs(staged.shrink(noise(274, 96), (96, 96)) - np.rint(oracle)).max() <= 1


def naive_mean(pixels: Pixels, taps_hw: tuple[int, int]) -> Pixels:
    """The mean of each pixel's neighbours, edges repeated; an odd count has no ties."""
    (high, wide), (height, width) = taps_hw, pixels.shape[:2]
    around = ((high // 2, high // 2), (wide // 2, wide // 2), (0, 0))
    padded = np.pad(pixels.astype(np.int64), around, mode="edge")
    shifts = [(y, x) for y in range(high) for x in range(wide)]
    total = sum(padded[y : y + height, x : x + width] for y, x in shifts)
    return np.rint(total / len(shifts)).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "taps", "samples"),
    [
        pytest.param((96, 274), (1, 3), (1, 1), id="1.00 x 2.85"),
        pytest.param((206, 274), (1, 3), (2, 1), id="2.15 x 2.85"),
        pytest.param((288, 290), (3, 3), (1, 1), id="3.00 x 3.02"),
        pytest.param((309, 549), (3, 3), (1, 2), id="3.22 x 5.72"),
        pytest.param((480, 480), (5, 5), (1, 1), id="5.00 x 5.00"),
        pytest.param((463, 617), (5, 3), (1, 2), id="4.82 x 6.43"),
        pytest.param((617, 463), (3, 5), (2, 1), id="6.43 x 4.82"),
        pytest.param((514, 686), (3, 3), (2, 2), id="5.35 x 7.15"),
    ],
)
def test_stages_take_the_mean_of_neighbours_where_that_is_close(
    size: tuple[int, int], taps: tuple[int, int], samples: tuple[int, int]
) -> None:
    between = (96 * samples[0], 96 * samples[1])
    oracle = np.rint(naive_bilinear(naive_mean(noise(*size), taps), between)).astype(np.uint8)
    doubled = tuple(axis for axis in (0, 1) if samples[axis] == 2)
    oracle = naive_halve(oracle, doubled) if doubled else oracle
    assert np.abs(staged.shrink(noise(*size), (96, 96)) - oracle.astype(int)).max() <= 1


@pytest.mark.parametrize("side", [192, 384, 768, 1536])
def test_antialias_by_powers_of_two_is_the_exact_mean_rounded_twice(side: int) -> None:
    error = resize.antialias(noise(side, side), (96, 96)) - naive_area(noise(side, side), (96, 96))
    assert np.abs(error).max() <= 1


@pytest.mark.parametrize(
    "size", [(206, 274), (309, 549), (463, 823), (771, 1031), (1285, 429)], ids=str
)
@pytest.mark.parametrize("photo", ["chelsea", "coffee", "rocket"])
def test_stages_are_nearer_the_exact_area_mean_than_bilinear(
    photo: str, size: tuple[int, int]
) -> None:
    pixels = resize.bilinear(load_bgr(TESTS / "data" / "photos" / f"{photo}.jpg"), size)
    oracle = naive_area(pixels, (96, 96))
    antialiased = staged.shrink(pixels, (96, 96)) - oracle
    aliased = resize.bilinear(pixels, (96, 96)) - oracle
    assert np.sqrt(np.mean(antialiased**2)) < np.sqrt(np.mean(aliased**2))
    assert abs(antialiased.mean()) < 0.5


def test_an_odd_side_keeps_the_pictures_extent() -> None:
    columns = np.linspace(0, 250, 1999)
    ramp = np.broadcast_to(columns[None, :, None], (96, 1999, 3)).round().astype(np.uint8)
    difference = staged.shrink(ramp, (96, 96)) - naive_area(ramp, (96, 96))
    assert np.abs(difference - difference.mean()).max() < 0.8  # a third of a target pixel


def test_no_resize_returns_the_picture_itself() -> None:
    pixels = noise(96, 96)
    assert resize.antialias(pixels, (96, 96)) is pixels
    assert resize.bilinear(pixels, (96, 96)) is pixels


def test_center_crop_takes_the_middle() -> None:
    spec = ResizeSpec(mode=ResizeMode.CENTER_CROP, crop_fraction=0.5)
    prepare = Preprocessor.from_spec(InputSpec(size_hw=(96, 96), resize=spec))
    pixels = noise(200, 400)
    oracle = resize.antialias(pixels[50:150, 150:250], (96, 96))[..., ::-1]
    np.testing.assert_array_equal(prepare(pixels), oracle)


def test_letterbox_keeps_the_shape_and_pads_evenly() -> None:
    spec = ResizeSpec(mode=ResizeMode.LETTERBOX, pad_value=9)
    prepare = Preprocessor.from_spec(InputSpec(size_hw=(96, 96), resize=spec))
    got = prepare(noise(96, 192))
    assert (got[:24] == 9).all()
    assert (got[72:] == 9).all()
    oracle = resize.antialias(noise(96, 192), (48, 96))[..., ::-1]
    np.testing.assert_array_equal(got[24:72], oracle)


def test_the_pixels_are_the_committed_ones_on_this_cpu() -> None:
    spec = importlib.util.spec_from_file_location("vectors", TESTS / "cpus" / "vectors.py")
    assert spec is not None
    assert spec.loader is not None
    vectors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vectors)
    expected = json.loads((TESTS / "data" / "pixels.json").read_text())
    assert vectors.pixel_hashes() == expected
