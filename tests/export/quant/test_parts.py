import json

import numpy as np
import pytest

from edgefeat.errors import OptionError
from edgefeat.model.spec import InputSpec
from edgefeat_export.errors import ExportError
from edgefeat_export.proof.calibration import calibration_pictures, packaged_photos, soften_half
from edgefeat_export.quant.limits import WeightLimits, neighbours
from edgefeat_export.quant.ranges import Histogram, best_range
from edgefeat_export.quant.rounding import fit, round_weights
from edgefeat_export.quant.scheme import Affine
from edgefeat_export.quant.targets import DEFAULT_TARGET, TARGETS, target_for, target_named

RNG = np.random.default_rng(5)
SPEC = InputSpec(size_hw=(48, 64))


# Numbers


@pytest.mark.parametrize(("low", "high"), [(0.0, 6.0), (-1.0, 3.0), (0.5, 2.0), (-3.0, -1.0)])
def test_zero_is_exact_and_the_range_is_covered(low, high):
    affine = Affine.over(low, high)
    levels = affine.quantize(np.array([0.0, low, high], np.float32))
    back = affine.dequantize(levels)
    assert back[0] == 0.0
    assert back[1:] == pytest.approx([low, high], abs=affine.scale)


def test_rounding_is_half_to_even_and_saturates():
    affine = Affine(scale=1.0, zero_point=0)
    got = affine.quantize(np.array([0.5, 1.5, 2.5, -9, 999], np.float32))
    assert got.tolist() == [0, 2, 2, 0, 255]


def test_a_tensor_that_is_always_zero_gets_a_usable_scale():
    assert Affine.over(0.0, 0.0).scale > 0


# Ranges


def test_a_histogram_that_grows_loses_no_count():
    histogram = Histogram()
    for size in (0.1, 3.0, 700.0):
        values = (RNG.normal(size=1000) * size).astype(np.float32)
        histogram.add(values, (float(values.min()), float(values.max())))
    assert histogram.counts.sum() == 3000
    assert histogram.reach >= max(-histogram.low, histogram.high)


def test_a_relu6_output_never_needs_more_than_six():
    histogram = Histogram()
    values = np.abs(RNG.normal(size=4000) * 9).astype(np.float32)
    histogram.add(values, (float(values.min()), float(values.max())))
    affine = best_range(histogram, floor=0.0, ceiling=6.0)
    assert affine.zero_point == 0
    assert 255 * affine.scale <= 6.0 + 1e-6


def test_one_far_outlier_does_not_set_the_range():
    histogram = Histogram()
    values = np.append(RNG.normal(size=100_000), 500.0).astype(np.float32)
    histogram.add(values, (float(values.min()), 500.0))
    assert 255 * best_range(histogram, floor=-np.inf, ceiling=np.inf).scale < 500


# Rounding


def correlated(samples=4000, taps=12):
    mixing = RNG.normal(size=(taps, taps)) + 3
    return RNG.normal(size=(samples, taps)) @ mixing


def alone(limit, taps):
    """Limits without neighbours."""
    return WeightLimits(alone=limit, pair=2 * limit, links=np.empty((taps, 0), np.int64))


def test_rounding_beats_nearest_on_correlated_inputs():
    x = correlated()
    weight = RNG.normal(size=(1, 8, 12))
    scale = np.abs(weight).max(2) / 7  # coarse, so that the difference is plain
    levels = round_weights(weight, scale, np.cov(x.T)[None], limits=alone(7, 12), damp=0.01)
    nearest = np.rint(weight / scale[..., None])
    errors = [
        np.var(x @ (w[0] * scale[0][:, None] - weight[0]).T, axis=0).sum()
        for w in (levels, nearest)
    ]
    assert errors[0] < 0.3 * errors[1]


@pytest.mark.parametrize("limit", [64, 127])
def test_rounded_weights_stay_within_the_limit(limit):
    weight = RNG.normal(size=(3, 2, 9))
    covariance = np.stack([np.cov(correlated(taps=9).T) for _ in range(3)])
    scale = np.abs(weight).max(2) / limit
    levels = round_weights(weight, scale, covariance, limits=alone(limit, 9), damp=0.01)
    assert levels.dtype == np.int8
    assert np.abs(levels.astype(int)).max() <= limit


def test_a_channel_that_never_varies_breaks_nothing():
    covariance = np.zeros((2, 4, 4))
    covariance[0] = np.eye(4)
    weight = RNG.normal(size=(2, 1, 4))
    fitted = fit(weight, covariance, covariance, ridge=0.1)
    assert fitted == pytest.approx(weight)
    scale = np.abs(fitted).max(2) / 127
    levels = round_weights(fitted, scale, covariance, limits=alone(127, 4), damp=0.01)
    assert np.isfinite(levels).all()


def test_the_fit_repairs_inputs_that_arrive_scaled():
    covariance = np.cov(correlated().T)[None]
    weight = RNG.normal(size=(1, 3, 12))
    fitted = fit(weight, 0.25 * covariance, 0.5 * covariance, ridge=0.0)
    assert fitted == pytest.approx(2 * weight, rel=1e-6)


# Pairs of weights


@pytest.mark.parametrize(
    ("taps", "channels", "links"),
    [
        (4, 2, [[1], [0], [3], [2]]),
        (5, 4, [[1], [0], [3], [2], [-1]]),
        (6, 3, [[1, -1], [0, 2], [3, 1], [2, 4], [5, 3], [4, -1]]),
        (3, 3, [[1, -1], [0, 2], [-1, 1]]),
    ],
)
def test_weights_have_those_beside_them_as_neighbours(taps, channels, links):
    assert neighbours(taps, channels).tolist() == links


def pair_sums(levels, channels):
    """What neighbours of one sign add up to, both ways to count in twos for odd channels."""
    levels = levels.astype(int)
    step = 2 if channels % 2 == 0 else 1
    first, second = levels[..., :-1:step], levels[..., 1::step]
    return np.where(first * second > 0, np.abs(first + second), 0)


@pytest.mark.parametrize("channels", [3, 4])
def test_neighbours_of_one_sign_stay_within_their_limit_and_others_use_all_of_int8(channels):
    taps = 12
    covariance = np.cov(correlated(taps=taps).T)[None]
    weight = RNG.normal(size=(1, 400, taps))
    weight[0, :4] = np.sign(weight[0, :4])  # as large as they can be, next to each other
    limits = WeightLimits(alone=127, pair=128, links=neighbours(taps, channels))
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    levels = round_weights(
        weight, limits.scale(weight, variance), covariance, limits=limits, damp=0.01
    )
    assert 120 < pair_sums(levels, channels).max() <= 128
    assert np.abs(levels.astype(int)).max() == 127
    free = alone(127, taps)
    unlimited = round_weights(
        weight, free.scale(weight, variance), covariance, limits=free, damp=0.01
    )
    assert pair_sums(unlimited, channels).max() > 128


def test_holding_pairs_costs_less_than_half_of_the_range():
    x = correlated(taps=16)
    covariance = np.cov(x.T)[None]
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    weight = RNG.normal(size=(1, 64, 16))
    errors = []
    for limits in (
        WeightLimits(alone=127, pair=128, links=neighbours(16, 16)), alone(64, 16),
    ):  # fmt: skip
        scale = limits.scale(weight, variance)
        levels = round_weights(weight, scale, covariance, limits=limits, damp=0.01)
        errors.append(np.var(x @ (levels[0] * scale[0][:, None] - weight[0]).T, axis=0).sum())
    assert errors[0] < errors[1]


# Targets


@pytest.mark.parametrize(
    ("machine", "features", "expected"),
    [
        ("x86_64", ["avx2", "avx512f", "avx512_vnni"], "x86-vnni"),
        ("x86_64", ["avx2", "avx_vnni"], "x86-vnni"),
        ("x86_64", ["avx2", "avx512f"], "x86"),
        ("aarch64", ["asimd", "asimddp"], "arm64-dot"),
        ("aarch64", ["asimd"], "arm64"),
    ],
)
def test_the_target_follows_from_the_device_report(tmp_path, machine, features, expected):
    report = {"cpu": {"features": features}, "versions": {"system": f"Linux 6.1 {machine}"}}
    path = tmp_path / "device.json"
    path.write_text(json.dumps(report))
    assert target_named(f"auto:{path}").name == expected


def test_two_products_never_saturate_16_bits_on_plain_x86():
    assert all(255 * TARGETS[name].pair_limit < 2**15 for name in ("any", "x86"))
    assert DEFAULT_TARGET == "any"


def test_unknown_targets_and_reports_are_refused():
    with pytest.raises(OptionError, match=r"^target: expected one of any, x86-vnni, x86, "):
        target_named("vax")
    with pytest.raises(ExportError, match=r"^device report: expected cpu.features"):
        target_for({})
    with pytest.raises(
        ExportError, match=r"^device report: there is no target for a 'riscv64' CPU"
    ):
        target_for({"cpu": {"features": []}, "versions": {"system": "Linux 6.1 riscv64"}})


# Pictures


def test_calibration_pictures_are_the_same_every_time():
    first, again = (calibration_pictures(SPEC, count=20, seed=1) for _ in range(2))
    assert first.pictures.shape == (20, 48, 64, 3)
    assert np.array_equal(first.pictures, again.pictures)
    photos = "scikit-image" if packaged_photos() else "shipped with edgefeat-export"
    assert first.origin.startswith("20 crops of ")
    assert photos in first.origin


def test_half_of_the_pictures_are_softened_and_the_rest_untouched():
    sharp = RNG.integers(0, 256, (10, 48, 64, 3), np.uint8)
    mixed = soften_half(sharp, seed=1)
    same = [np.array_equal(a, b) for a, b in zip(sharp, mixed, strict=True)]
    assert sum(same) == 5
    roughness = [np.abs(np.diff(p.astype(float), axis=1)).mean() for p in mixed]
    assert max(r for r, s in zip(roughness, same, strict=True) if not s) < min(
        r for r, s in zip(roughness, same, strict=True) if s
    )


def test_grey_pictures_keep_their_axis():
    assert soften_half(np.zeros((4, 48, 64, 1), np.uint8), seed=1).shape == (4, 48, 64, 1)
