"""Whole small networks through the quantizer, run by ONNX Runtime itself."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.errors import VerificationError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.fidelity import compare, features_of
from edgefeat_export.quant.latency import latency_of
from edgefeat_export.quant.plan import make_plan
from edgefeat_export.quant.report import report_page
from edgefeat_export.quant.search import QuantGates, search
from edgefeat_export.quant.stem import fold_stem
from edgefeat_export.quant.targets import TARGETS, Target
from edgefeat_export.quant.widen import widen_depthwise
from edgefeat_export.quantize import quantize, quantize_model

SIDE = 32
VNNI = TARGETS["x86-vnni"]


class Network:
    """A small float graph under construction: uint8 picture in, one vector out."""

    def __init__(self, mean=127.0):
        self.rng = np.random.default_rng(2)
        self.nodes, self.constants, self.count = [], [], 0
        x = self.add("Transpose", "image", perm=[0, 3, 1, 2])
        x = self.add("Cast", x, to=TensorProto.FLOAT)
        shift = np.full((1, 3, 1, 1), -mean, np.float32)
        self.start = self.add("Add", x, self.constant(shift))
        self.weight_scale = 1 / 128

    def constant(self, array):
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, op, *inputs, **attrs):
        self.count += 1
        self.nodes.append(helper.make_node(op, inputs, [f"t{self.count}"], **attrs))
        return f"t{self.count}"

    def conv(self, x, out, channels, kernel=1, group=1, pads=(0, 0, 0, 0), stride=1):
        shape = (out, channels // group, kernel, kernel)
        weight = self.rng.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5 * self.weight_scale
        self.weight_scale = 1
        bias = self.rng.normal(size=out).astype(np.float32)
        return self.add(
            "Conv", x, self.constant(weight.astype(np.float32)), self.constant(bias),
            group=group, kernel_shape=[kernel] * 2, pads=list(pads), strides=[stride] * 2,
        )  # fmt: skip

    def relu6(self, x):
        bounds = [self.constant(np.array(v, np.float32)) for v in (0, 6)]
        return self.add("Clip", x, *bounds)

    def model(self, x, dim, side=SIDE):
        self.nodes.append(
            helper.make_node("ReduceMean", [x], ["features"], axes=[2, 3], keepdims=0)
        )
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", side, side, 3])
        features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", dim])
        graph = helper.make_graph(self.nodes, "net", [image], [features], self.constants)
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        return write(Graph(model))


def mobile(mean=127.0, width=8):
    net = Network(mean)
    x = net.relu6(net.conv(net.start, width, 3, kernel=3, pads=(0, 0, 1, 1), stride=2))
    x = net.relu6(net.conv(x, width, width, kernel=3, group=width, pads=(1, 1, 1, 1)))
    x = net.conv(x, 24, width)
    y = net.relu6(net.conv(x, 48, 24))
    y = net.relu6(net.conv(y, 48, 48, kernel=3, group=48, pads=(1, 1, 1, 1)))
    x = net.add("Add", x, net.conv(y, 24, 48))
    return net.model(net.relu6(net.conv(x, 64, 24)), 64)


def branches():
    """What Inception, DenseNet and ResNet are made of."""
    net = Network(127.5)
    x = net.add("Relu", net.conv(net.start, 16, 3, kernel=3, pads=(1, 1, 1, 1)))
    pooled = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    mean = net.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("Concat", pooled, net.conv(mean, 16, 16), axis=1)
    y = net.conv(x, 32, 32, kernel=3, group=4, pads=(1, 1, 1, 1))
    x = net.add("Relu", net.add("Add", x, y))
    return net.model(net.add("HardSwish", net.conv(x, 32, 32)), 32)


def photos(count=24, seed=3, side=SIDE):
    """Smooth random pictures: neighbouring pixels agree, as in photos."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, side // 8, side // 8, 3), np.uint8)
    return coarse.repeat(8, 1).repeat(8, 2)


def optimised(model, tmp_path):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]


def wide():
    """A layer with more taps than one system takes: 2304."""
    net = Network()
    x = net.add("Relu", net.conv(net.start, 256, 3, kernel=3, pads=(0, 0, 1, 1), stride=2))
    return net.model(net.conv(x, 16, 256, kernel=3, pads=(1, 1, 1, 1), stride=2), 16)


NETWORKS = {
    "wide": wide,
    "mobile": mobile, "mobile-127.5": lambda: mobile(127.5), "branches": branches,
    "torch-mean": lambda: mobile(np.array([123.7, 116.3, 103.5], np.float32).reshape(1, 3, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_features_stay_near_the_float_ones_on_other_pictures(name):
    model = NETWORKS[name]()
    held_out = photos(40, seed=4)
    found = compare(features_of(model, held_out), features_of(quantize(model, photos()), held_out))
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


def test_the_picture_itself_is_the_first_quantized_tensor():
    plan = make_plan(Graph(mobile(127.5)))
    assert plan.image is not None
    assert (plan.image.affine.scale, plan.image.affine.zero_point) == (1.0, 127)


def test_weights_for_plain_x86_stay_within_64():
    model = quantize_model(mobile(), photos(), target=TARGETS["x86"]).model
    weights = [numpy_helper.to_array(t) for t in model.graph.initializer]
    assert max(np.abs(w.astype(int)).max() for w in weights if w.dtype == np.int8) == 64


# Rewrites for speed


def integers_of(model, monkeypatch):
    """The quantized model before the rewrites."""
    monkeypatch.setattr("edgefeat_export.quantize.faster", lambda plain: plain)
    return quantize(model, photos())


@pytest.mark.parametrize("rewrite", [fold_stem, widen_depthwise])
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


# Precision search


def test_a_layer_kept_in_float_really_runs_in_float(tmp_path):
    model = mobile()
    names = list(quantize_model(model, photos()).errors)
    kept = quantize_model(model, photos(), keep_float=[names[2]])
    assert kept.kept_float == (names[2],)
    assert optimised(kept.model, tmp_path).count("Conv") == 1


def test_the_search_keeps_layers_in_float_until_the_gates_hold():
    coarse = Target(name="coarse", weight_limit=3, why="weights of 3 bits lose enough to matter")
    model, judged = mobile(), photos(30, seed=4)
    loose = QuantGates(cosine_mean=0.5, cosine_p1=0, neighbour_overlap_10=0)
    easy = search(model, photos(), judged, target=coarse, gates=loose)
    assert easy.quantized.kept_float == ()
    needed = 0.8 * easy.fidelity.cosine_mean + 0.2  # a fifth of the error gone
    tight = QuantGates(cosine_mean=needed, cosine_p1=0, neighbour_overlap_10=0)
    hard = search(model, photos(), judged, target=coarse, gates=tight)
    assert len(hard.attempts) > 1
    assert hard.quantized.kept_float
    assert hard.fidelity.cosine_mean >= needed


def test_gates_that_cannot_hold_are_an_error():
    gates = QuantGates(cosine_mean=1.1)
    with pytest.raises(VerificationError, match=r"misses its gates .* needed 1\.10000\. No file"):
        search(mobile(), photos(), photos(30, seed=4), target=VNNI, gates=gates)


def test_the_report_names_every_layer_and_loads_nothing():
    model = mobile()
    outcome = search(model, photos(), photos(30, seed=4), target=VNNI, gates=QuantGates())
    latency = latency_of(model, outcome.quantized.model, photos(1)[0], runs=3)
    page = report_page("net", outcome, latency, size_before=9000, calibration="<tests>")
    assert all(name in page for name in outcome.quantized.errors)
    assert "&lt;tests&gt;" in page
    assert not any(word in page for word in ("http:", "https:", "<script", "src="))
