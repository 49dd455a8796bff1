"""Small float networks of the kinds that are quantized, smooth pictures, what a session runs."""

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write

SIDE = 32


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


def curved():
    """Curved functions, squeeze and excitation, and a branch that stays in float."""
    net = Network()
    x = net.conv(net.start, 16, 3, kernel=3, pads=(0, 0, 1, 1), stride=2)
    x = net.add("Mul", x, net.add("Sigmoid", x))
    squeezed = net.add("ReduceMean", x, axes=[2, 3], keepdims=1)
    gate = net.add("HardSigmoid", net.conv(squeezed, 16, 16))
    x = net.conv(net.add("Mul", x, gate), 24, 16)
    half = net.add("Mul", x, net.constant(np.array(0.5, np.float32)))
    bent = net.add("Erf", net.add("Mul", x, net.constant(np.array(0.7071, np.float32))))
    x = net.add("Mul", half, net.add("Add", bent, net.constant(np.array(1, np.float32))))
    return net.model(net.add("Tanh", net.conv(x, 32, 24)), 32)


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
