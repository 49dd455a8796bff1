"""The area mean by whole numbers: its weights, its bytes, and when it is taken."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import numpy as np
import pytest
from numpy.typing import NDArray

from area_oracle import naive_area, overlaps
from edgefeat import FeatureExtractor
from edgefeat.engine.cpu import open_session, session_options
from edgefeat.errors import ImageError
from edgefeat.pictures import resize
from edgefeat.pictures.resize import area, areagraph

Pixels = NDArray[np.uint8]
Size = tuple[int, int]

SIZES = [
    pytest.param((480, 640), (224, 224), id="VGA"),
    pytest.param((240, 320), (224, 224), id="QVGA, hardly smaller"),
    pytest.param((576, 720), (224, 224), id="PAL, 720 values a part"),
    pytest.param((600, 800), (224, 224), id="28 kinds of rows"),
    pytest.param((1080, 1920), (224, 224), id="1080p, large enough to be cut"),
    pytest.param((1120, 1344), (224, 224), id="cut into one kind of row"),
    pytest.param((1080, 1920), (126, 224), id="1080p in a letterbox"),
    pytest.param((756, 1008), (224, 224), id="a phone's, blocks of eight"),
    pytest.param((224, 640), (224, 224), id="as many rows"),
    pytest.param((480, 224), (224, 224), id="as many columns"),
    pytest.param((420, 420), (224, 224), id="no multiple of 16"),
    pytest.param((672, 448), (224, 224), id="whole ratios"),
    pytest.param((9600, 96), (8, 8), id="a ratio of 1200"),
    pytest.param((8, 4), (8, 4), id="no smaller"),
]


def noise(size: Size) -> Pixels:
    return np.random.default_rng(size[0] * 701 + size[1]).integers(0, 256, (*size, 3), np.uint8)


def whole_number_mean(pixels: Pixels, target_hw: Size) -> Pixels:
    """One axis after the other by the documented weights, halves to even."""
    values = pixels.astype(np.int64)
    for axis, target in enumerate(target_hw):
        weights, total = areagraph.weights(values.shape[axis], target)
        summed = np.tensordot(weights.astype(np.int64), values, (1, axis))
        values = np.rint(np.moveaxis(summed, 0, axis) / total).astype(np.int64)
    return values.astype(np.uint8)


@pytest.mark.parametrize(
    ("source", "target"),
    [(15, 7), (15, 14), (7, 7), (135, 28), (4001, 3), (1, 1), (9000, 1), (100_000, 1)],
)
def test_weights_are_the_overlaps_in_whole_numbers(source: int, target: int) -> None:
    weights, total = areagraph.weights(source, target)
    assert (weights >= 0).all()
    assert (weights.sum(axis=1, dtype=int) == total).all()
    assert total & (total - 1) == 0
    assert total * 255 < 2**24  # a float32 holds every sum
    apart = weights / total - overlaps(source, target)
    assert np.abs(apart).max() <= 1 / total
    assert np.abs(np.cumsum(apart, axis=1)).max() <= 0.5001 / total  # leans to neither side
    assert total == 2**16 or 2 * total * overlaps(source, target).max() > 127  # no finer ones fit


@pytest.mark.parametrize(("size", "target"), SIZES)
def test_the_mean_is_the_one_by_whole_numbers_bit_for_bit(size: Size, target: Size) -> None:
    assert area.fits(size, target)
    np.testing.assert_array_equal(
        area.mean(noise(size), target), whole_number_mean(noise(size), target)
    )


@pytest.mark.parametrize(("size", "target"), SIZES)
def test_the_mean_is_the_exact_one_rounded_twice(size: Size, target: Size) -> None:
    error = area.mean(noise(size), target) - naive_area(noise(size), target)
    assert np.abs(error).max() < 2.5
    assert np.sqrt(np.mean(error**2)) < 0.6
    assert abs(error.mean()) < 0.1


@pytest.mark.parametrize(("size", "target"), SIZES)
def test_windows_and_repeats_give_the_same_bytes(size: Size, target: Size) -> None:
    pixels, means = noise(size), []
    for cuts in (False, True):
        graph, plan = areagraph.build(size, target, cuts=cuts)
        rows = {w.name: pixels[w.first : w.after].reshape(w.shape) for w in plan.windows}
        (blocks,) = open_session(graph, session_options()).run(["means"], rows)
        means.append(blocks)
    np.testing.assert_array_equal(*means)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_extremes_beside_each_other_do_not_saturate(level: int) -> None:
    pixels = np.full((480, 640, 3), level, np.uint8)
    pixels[::2, 1::3] = 255
    np.testing.assert_array_equal(
        area.mean(pixels, (224, 224)), whole_number_mean(pixels, (224, 224))
    )


@pytest.mark.parametrize(
    ("size", "target", "fits"),
    [
        ((480, 640), (224, 224), True),
        ((3000, 4000), (224, 224), True),
        ((481, 640), (224, 224), False),
        ((480, 641), (224, 224), False),
        ((480, 640), (299, 299), False),
        ((1799, 2408), (224, 224), False),  # rows repeat only seven times
        ((8992, 30012), (224, 224), False),  # 90036 values a row are no multiple of 16
        ((9000, 9000), (2, 2), False),
        ((200, 640), (224, 224), False),
        ((480, 200), (224, 224), False),
        ((480, 640), (300, 300), True),
    ],
)
def test_it_is_taken_where_no_axis_grows_and_the_weights_repeat(
    size: Size, target: Size, fits: bool
) -> None:
    assert area.fits(size, target) is fits
    if fits:
        means = area.mean(noise(size), target)
        np.testing.assert_array_equal(resize.antialias(noise(size), target), means)


def test_a_part_of_a_larger_picture_gives_the_same_pixels_as_its_copy() -> None:
    part = noise((500, 700))[10:490, 30:670]
    np.testing.assert_array_equal(area.mean(part, (224, 224)), area.mean(part.copy(), (224, 224)))


def test_more_sizes_than_are_kept_from_several_threads() -> None:
    sizes = [(96 + 32 * i, 640 - 32 * i) for i in range(12)] * 4
    assert all(area.fits(size, (32, 32)) for size in sizes)
    with ThreadPoolExecutor(4) as pool:
        means = list(pool.map(lambda size: area.mean(noise(size), (32, 32)), sizes))
    for size, got in zip(sizes, means, strict=True):
        np.testing.assert_array_equal(got, whole_number_mean(noise(size), (32, 32)))


def _child(connection: Connection) -> None:
    means = area.mean(noise((480, 640)), (224, 224))
    connection.send((means, area.open_graphs()))


def _means_of_a_fork(timeout_s: float) -> Pixels:
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=_child, args=(theirs,))
    process.start()
    try:
        assert ours.poll(timeout_s), "the child hangs"
        means, opened = ours.recv()
    finally:
        process.kill()
        process.join()
    assert opened == 1  # its own; its parent has more
    return means


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_forked_while_other_threads_open_graphs_do_not_hang() -> None:
    here = area.mean(noise((480, 640)), (224, 224))
    stopped = threading.Event()

    def opens_graphs(first: int) -> None:
        for side in itertools.cycle(range(first, first + 640, 32)):
            if stopped.is_set():
                return
            area.mean(np.zeros((side, 640, 3), np.uint8), (32, 32))

    threads = [threading.Thread(target=opens_graphs, args=(first,)) for first in (64, 1024)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            np.testing.assert_array_equal(_means_of_a_fork(30), here)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def test_unloading_an_extractor_gives_the_graphs_back_too() -> None:
    with FeatureExtractor(cache=False) as extractor:
        extractor.extract(noise((480, 640)))
        assert area.open_graphs()
        extractor.unload()
        assert not area.open_graphs()


def test_another_type_of_pixels_is_no_lack_of_memory() -> None:
    with pytest.raises(ImageError, match=r"^<640 x 480 pixels>: cannot be resized to 224 x 224: "):
        area.mean(np.zeros((480, 640, 3), np.float32), (224, 224))  # type: ignore[arg-type]


SHORT_OF_MEMORY = """
import resource
import numpy as np
from edgefeat.pictures.resize import area

pixels = np.zeros((6000, 8000, 3), np.uint8)
area.mean(np.zeros((480, 640, 3), np.uint8), (224, 224))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2_000_000, -1))
try:
    area.mean(pixels, (224, 224))
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_short_memory_is_said_with_the_sizes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("resizing 8000 x 6000 to 224 x 224 pixels: "), done.stderr
