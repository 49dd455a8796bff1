"""The antialiased resize of `docs/resize.md`, in whole numbers, for readers of any language.

Slow and plain on purpose: every step is the text's. `tests/runtime/pictures/test_resize_words.py`
holds it against the runtime, byte for byte. Pixels are integer arrays `(height, width, channels)`.
"""

import math

import numpy as np

Pixels = np.ndarray


def resize(pixels: Pixels, size_hw: tuple[int, int]) -> Pixels:
    """Shrink or enlarge: section "Which way"."""
    height, width = pixels.shape[:2]
    rows, columns = size_hw
    if (height, width) == (rows, columns):
        return pixels
    if fits(height, rows, 8, 28) and fits(width, columns, 4, 56) and few_weights(pixels, size_hw):
        return area_mean(area_mean(pixels, rows, axis=0), columns, axis=1)
    return staged(pixels, size_hw)


# The exact way


def fits(source: int, target: int, fewest_repeats: int, longest_pattern: int) -> bool:
    """Whether an axis shrinks (or stays) and its weights repeat often enough."""
    repeats = math.gcd(source, target)
    return source >= target and repeats >= max(fewest_repeats, target / longest_pattern)


def few_weights(pixels: Pixels, size_hw: tuple[int, int]) -> bool:
    """Whether the graph for a size stays below 2**20 weights."""
    (height, width), (rows, columns) = pixels.shape[:2], size_hw
    values = 3 * width
    parts = 1
    if values % 16 == 0:
        parts = next(
            n for n in range(-(-values // 1024), values // 16 + 1) if values % (16 * n) == 0
        )
    common = math.gcd(width, columns)
    divisors = [n for n in range(common, 0, -1) if common % n == 0]
    blocks = next((n for n in divisors if columns // n >= 7), 1)
    taps = -(-height // rows) + 1
    by_rows = rows // math.gcd(height, rows) * taps * values // parts
    by_columns = (3 * width // blocks) * (3 * columns // blocks)
    return by_rows + by_columns <= 1 << 20


def area_weights(source: int, target: int, i: int) -> tuple[list[int], int]:
    """Return the weight of every source pixel in target pixel `i`, and what all of them sum to."""
    overlaps = [
        max(0, min((i + 1) * source, (x + 1) * target) - max(i * source, x * target))
        for x in range(source)
    ]
    # The finest grid, a power of two, in which the largest weight of any target pixel is 127.
    largest = max(
        min((j + 1) * source, (x + 1) * target) - max(j * source, x * target)
        for j in range(target)
        for x in range(j * source // target, -(-(j + 1) * source // target))
    )
    total = 64
    while total < 65536 and 2 * total * largest <= 127 * source:
        total *= 2
    weights, running, before = [], 0, 0
    for overlap in overlaps:  # the running sums are rounded, halves up
        running += overlap
        rounded = (2 * total * running + source) // (2 * source)
        weights.append(rounded - before)
        before = rounded
    return weights, total


def area_mean(pixels: Pixels, target: int, axis: int) -> Pixels:
    """Replace an axis by the means over its target pixels' areas, halves rounded to even."""
    pixels = np.moveaxis(pixels, axis, 0).astype(np.int64)
    source = len(pixels)
    common = math.gcd(source, target)
    step, kinds = source // common, target // common  # the weights repeat `common` times
    means = []
    for i in range(target):
        weights, total = area_weights(step, kinds, i % kinds)
        first = i // kinds * step
        sums = np.tensordot(weights, pixels[first : first + step], 1)
        means.append(half_to_even(sums, total))
    return np.moveaxis(np.array(means), 0, axis)


def half_to_even(sums: Pixels, total: int) -> Pixels:
    """Divide by a power of two; halves go to the even neighbour; stay within 0 to 255."""
    low, rest = sums // total, sums % total
    up = (2 * rest > total) | ((2 * rest == total) & (low % 2 == 1))
    return np.clip(low + up, 0, 255)


# The staged way

BOXES = ((1, 1, 1.2), (1, 2, 2.53), (3, 1, 3.4), (5, 1, 5.6), (3, 2, 8.6))


def staged(pixels: Pixels, size_hw: tuple[int, int]) -> Pixels:
    """Halve, blur, sample, halve."""
    pixels, extent = halve_often(pixels.astype(np.int64), size_hw)
    boxes = box_blurs(ratios(extent, size_hw))
    if boxes is not None:
        (high, rows), (wide, columns) = boxes
        pixels = box_mean(pixels, high, wide)
    else:
        doubled = [2 if 1.2 <= ratio < 1.6 else 1 for ratio in ratios(extent, size_hw)]
        pixels = pixels.repeat(doubled[0], 0).repeat(doubled[1], 1)
        extent = doubled[0] * extent[0], doubled[1] * extent[1]
        ratio_y, ratio_x = ratios(extent, size_hw)
        rows, columns = samples(ratio_y, ratio_x), samples(ratio_x, ratio_y)
        pixels = gaussian(pixels, variance(ratio_y, rows), variance(ratio_x, columns))
    pixels = sample(pixels, extent, (rows * size_hw[0], columns * size_hw[1]))
    return halve(pixels, rows == 2, columns == 2)


def ratios(extent: tuple[float, float], size_hw: tuple[int, int]) -> tuple[float, float]:
    """Return source pixels per target pixel, of rows and of columns."""
    return extent[0] / size_hw[0], extent[1] / size_hw[1]


def halve_often(pixels: Pixels, size_hw: tuple[int, int]) -> tuple[Pixels, tuple[float, float]]:
    """Halve while a ratio is large; `extent` is the true size, which may end in a half pixel."""
    extent = (float(pixels.shape[0]), float(pixels.shape[1]))
    enough = 4.78
    while box_blurs(ratios(extent, size_hw)) is None:
        now = ratios(extent, size_hw)
        rows, columns = (min(now) >= enough or ratio >= 10 for ratio in now)
        if not (rows or columns):
            break
        if rows:
            pixels = even(pixels, 0, extent[0])
        if columns:
            pixels = even(pixels, 1, extent[1])
        pixels = halve(pixels, rows, columns)
        extent = extent[0] / (1 + rows), extent[1] / (1 + columns)
        enough = 6.5
    return pixels, extent


def even(pixels: Pixels, axis: int, extent: float) -> Pixels:
    """Make an odd axis even: drop its last line, or repeat it if a line was dropped before."""
    side = pixels.shape[axis]
    if side % 2 == 0:
        return pixels
    keep = np.arange(side + 1 if side < extent else side - 1).clip(0, side - 1)
    return pixels.take(keep, axis)


def halve(pixels: Pixels, rows: bool, columns: bool) -> Pixels:
    """Average 2 x 2 blocks, halves up; or pairs along one axis, halves down."""
    if rows and columns:
        a, b, c, d = (pixels[y::2, x::2] for y in (0, 1) for x in (0, 1))
        return (a + b + c + d + 2) // 4
    if rows:
        return (pixels[0::2] + pixels[1::2]) // 2
    if columns:
        return (pixels[:, 0::2] + pixels[:, 1::2]) // 2
    return pixels


def variance(ratio: float, count: int) -> float:
    """Return the variance that a blur should have before `count` samples are taken."""
    if ratio <= 1:
        return 0.0
    return (ratio**2 - 1) / 12 if count == 1 else (ratio**2 - 4) / 48


def box_blurs(
    both: tuple[float, float],
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return for each axis the neighbours to average and the samples to take, if that is near."""
    found = []
    for ratio in both:
        options = [
            (abs((taps**2 - 1) / 12 - variance(ratio, count)) / ratio**2, taps, count)
            for taps, count, end in (BOXES if ratio > 1 else BOXES[:1])
            if ratio < end
        ]
        found.append(min(options, default=(math.inf, 1, 1)))
    (error_y, high, rows), (error_x, wide, columns) = found
    if math.hypot(error_y, error_x) > 0.0115 or wide == 1 < high:
        return None
    return (high, rows), (wide, columns)


def samples(ratio: float, other: float) -> int:
    """Return how many samples of an axis make a target pixel after a Gaussian."""
    if ratio < 1.2 or 2.53 <= ratio < 3.1 or 4.1 <= ratio < 4.7:
        return 1
    return 1 if 3.4 <= ratio < 4.1 and other < 3.1 else 2


def box_mean(pixels: Pixels, high: int, wide: int) -> Pixels:
    """Average `high` x `wide` neighbours; the border is repeated; an odd count has no halves."""
    area = high * wide
    padded = pad(pixels, high // 2, wide // 2)
    height, width = pixels.shape[:2]
    sums = sum(padded[y : y + height, x : x + width] for y in range(high) for x in range(wide))
    return (2 * sums + area) // (2 * area)


def gaussian(pixels: Pixels, variance_y: float, variance_x: float) -> Pixels:
    """Blur rows by one symmetric kernel and columns by another, both in 256ths."""
    kernel_y, kernel_x = kernel(variance_y), kernel(variance_x)
    if len(kernel_y) == len(kernel_x) == 1:
        return pixels
    height, width = pixels.shape[:2]
    padded = pad(pixels, len(kernel_y) // 2, len(kernel_x) // 2)
    across = sum(k * padded[:, x : x + width] for x, k in enumerate(kernel_x))
    down = sum(k * across[y : y + height] for y, k in enumerate(kernel_y))
    return (down + (1 << 15)) >> 16


def kernel(wanted: float) -> list[int]:
    """Return a kernel of 1, 3 or 5 weights that sum to 256."""
    if wanted < 1 / 20:
        return [256]
    if wanted < 0.83:
        weight = min(wanted / 2, 85 / 256)
        q, taps = weight / (1 - 2 * weight), 3
    else:
        wanted, low, high = min(wanted, 1.95), 0.0, 1.0
        for _ in range(30):
            q = (low + high) / 2
            if 2 * (q + 4 * q**4) < wanted * (1 + 2 * q + 2 * q**4):
                low = q
            else:
                high = q
        q, taps = high, 5
    deviation = round(math.sqrt(-0.5 / math.log(q)), 6)
    exact = [math.exp(-((i - taps // 2) ** 2) / (2 * deviation**2)) for i in range(taps)]
    exact = [256 * weight / sum(exact) for weight in exact]
    half, error = [], 0.0  # each rounding error is carried to the next weight, border to middle
    for weight in exact[: taps // 2]:
        half.append(round(weight + error))
        error += weight - half[-1]
    return [*half, 256 - 2 * sum(half), *half[::-1]]


def sample(pixels: Pixels, extent: tuple[float, float], size_hw: tuple[int, int]) -> Pixels:
    """Interpolate linearly at the centres of equal parts of the extent, in 256ths."""
    if pixels.shape[:2] == size_hw:
        return pixels
    height, width = pixels.shape[:2]
    y0, y1, below = positions(height, extent[0], size_hw[0])
    x0, x1, right = positions(width, extent[1], size_hw[1])
    right, below = right[None, :, None], below[:, None, None]
    across = (256 - right) * pixels[:, x0] + right * pixels[:, x1]
    down = (256 - below) * across[y0] + below * across[y1]
    return (down + (1 << 15)) >> 16


def positions(side: int, extent: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each sample its two neighbours and the second one's weight in 256ths."""
    step = 1 / (count / extent)
    first, second, weights = [], [], []
    for i in range(count):
        place = (i + 0.5) * step - 0.5
        x = math.floor(place)
        weight = round((place - x) * 256)
        if x < 0:
            x, weight = 0, 0
        if x >= side - 1:
            x, weight = side - 1, 0
        first.append(x)
        second.append(min(x + 1, side - 1))
        weights.append(weight)
    return np.array(first), np.array(second), np.array(weights)


def pad(pixels: Pixels, rows: int, columns: int) -> Pixels:
    """Repeat the border."""
    return np.pad(pixels, ((rows, rows), (columns, columns), (0, 0)), mode="edge")
