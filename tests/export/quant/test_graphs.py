"""Whole small networks through the quantizer, run by ONNX Runtime itself."""

import numpy as np
import onnx
import pytest

from edgefeat.measures import agreement
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.fidelity import features_of
from edgefeat_export.quant.graph_to_int8 import quantize
from edgefeat_export.quant.narrow import fold_narrow
from edgefeat_export.quant.plan import make_plan
from edgefeat_export.quant.stem import fold_stem
from edgefeat_export.quant.targets import TARGETS
from edgefeat_export.quant.widen import widen_depthwise
from quant_networks import SIDE, Network, branches, curved, mobile, optimised, photos

VNNI = TARGETS["x86-vnni"]


def wide():
    """A layer with more taps than one system takes: 2304."""
    net = Network()
    x = net.add("Relu", net.conv(net.start, 256, 3, kernel=3, pads=(0, 0, 1, 1), stride=2))
    return net.model(net.conv(x, 16, 256, kernel=3, pads=(1, 1, 1, 1), stride=2), 16)


NETWORKS = {
    "wide": wide,
    "mobile": mobile, "mobile-127.5": lambda: mobile(127.5), "branches": branches, "curved": curved,
    "torch-mean": lambda: mobile(np.array([123.7, 116.3, 103.5], np.float32).reshape(1, 3, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_features_stay_near_the_float_ones_on_other_pictures(name):
    model = NETWORKS[name]()
    held_out = photos(40, seed=4)
    found = agreement.compare(
        features_of(model, held_out), features_of(quantize(model, photos()), held_out)
    )
    assert found.cosine_mean > 0.999
    assert found.relative_l2_mean < 0.04


@pytest.mark.parametrize("name", NETWORKS)
def test_every_convolution_runs_on_integers(name, tmp_path):
    ops = optimised(quantize(NETWORKS[name](), photos()), tmp_path)
    assert "Conv" not in ops
    assert "QLinearConv" in ops


def test_only_standard_operators_are_written():
    model = quantize(branches(), photos())
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]


def test_the_same_pictures_give_the_same_bytes():
    first, again = (quantize(mobile(), photos()).SerializeToString(True) for _ in range(2))
    assert first == again


def odd_convolutions():
    """Convolutions that stay in float: of rows of numbers, and one that pads by itself."""
    net = Network()
    x = net.add("Relu", net.conv(net.start, 8, 3, kernel=3, pads=(0, 0, 1, 1), stride=2))
    weight = net.constant(net.rng.normal(size=(8, 8, 3, 3)).astype(np.float32))
    x = net.add("Relu", net.add("Conv", x, weight, auto_pad="SAME_UPPER", strides=[2, 2]))
    flat = net.add("Reshape", x, net.constant(np.array([0, 8, -1], np.int64)))
    weight = net.constant(net.rng.normal(size=(8, 8, 5)).astype(np.float32))
    x = net.add("Relu", net.add("Conv", flat, weight, pads=[2, 2]))
    back = net.add("Reshape", x, net.constant(np.array([0, 8, 8, 8], np.int64)))
    return net.model(net.conv(back, 16, 8), 16)


def test_odd_convolutions_stay_in_float_and_features_near():
    model, held_out = odd_convolutions(), photos(40, seed=4)
    quantized = quantize(model, photos())
    found = agreement.compare(features_of(model, held_out), features_of(quantized, held_out))
    assert found.cosine_mean > 0.999
    weights = {
        one.name: one.dims
        for one in quantized.graph.initializer
        if one.data_type == onnx.TensorProto.FLOAT
    }
    assert sorted(list(dims) for dims in weights.values() if len(dims) > 2) == [
        [8, 8, 3, 3], [8, 8, 5],
    ]  # fmt: skip


def test_the_picture_itself_is_the_first_quantized_tensor():
    plan = make_plan(Graph(mobile(127.5)))
    assert plan.image is not None
    assert (plan.image.affine.scale, plan.image.affine.zero_point) == (1.0, 127)


# Rewrites for speed


def integers_of(model, monkeypatch):
    """The quantized model before the rewrites."""
    monkeypatch.setattr("edgefeat_export.quant.graph_to_int8.faster", lambda plain: plain)
    return quantize(model, photos())


@pytest.mark.parametrize("rewrite", [fold_narrow, fold_stem, widen_depthwise])
def test_a_rewrite_keeps_every_bit(rewrite, monkeypatch):
    plain = integers_of(mobile(), monkeypatch)
    graph = Graph(plain)
    assert rewrite(graph)
    rewritten = write(graph)
    pictures = np.random.default_rng(6).integers(0, 256, (30, SIDE, SIDE, 3), np.uint8)
    assert np.array_equal(features_of(plain, pictures), features_of(rewritten, pictures))


@pytest.mark.parametrize(
    ("kernel", "pads"),
    [(3, (0, 0, 1, 1)), (3, (1, 1, 1, 1)), (5, (1, 1, 2, 2)), (7, (3, 3, 3, 3)), (3, (1, 1, 0, 0))],
)
def test_stems_of_every_padding_fold(kernel, pads, monkeypatch):
    net = Network()
    x = net.relu6(net.conv(net.start, 16, 3, kernel=kernel, pads=pads, stride=2))
    plain = integers_of(net.model(net.relu6(net.conv(x, 32, 16)), 32), monkeypatch)
    graph = Graph(plain)
    assert fold_stem(graph)
    pictures = np.random.default_rng(6).integers(0, 256, (9, SIDE, SIDE, 3), np.uint8)
    assert np.array_equal(features_of(plain, pictures), features_of(write(graph), pictures))


def test_a_stem_with_stride_one_is_left_alone(monkeypatch):
    assert not fold_stem(Graph(integers_of(branches(), monkeypatch)))
