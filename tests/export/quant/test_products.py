"""Transformers: products on tokens and attention are integer, or float where gates ask for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgefeat.measures import agreement
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof.gates import Gates
from edgefeat_export.quant.executor import open_session
from edgefeat_export.quant.fidelity import features_of
from edgefeat_export.quant.graph_to_int8 import quantize_model
from edgefeat_export.quant.products import with_products
from edgefeat_export.quant.search import CostLimits, search
from edgefeat_export.quant.targets import TARGETS
from quant_networks import SIDE, Network, mobile, optimised, photos

WIDTH, HEADS, TOKENS = 16, 2, 64
ANY = TARGETS["any"]


def normalised(net: Network, x: str) -> str:
    mean = net.add("ReduceMean", x, axes=[-1], keepdims=1)
    away = net.add("Sub", x, mean)
    variance = net.add("ReduceMean", net.add("Mul", away, away), axes=[-1], keepdims=1)
    spread = net.add("Add", variance, net.constant(np.array(1e-5, np.float32)))
    return net.add("Div", away, net.add("Sqrt", spread))


def dense(net: Network, x: str, inputs: int, outputs: int, *, bias: bool = True) -> str:
    weight = net.rng.normal(size=(inputs, outputs)) * inputs**-0.5
    y = net.add("MatMul", x, net.constant(weight.astype(np.float32)))
    if not bias:
        return y
    return net.add("Add", y, net.constant(net.rng.normal(size=outputs).astype(np.float32)))


def gelu(net: Network, x: str) -> str:
    half, root, one = (net.constant(np.array(n, np.float32)) for n in (0.5, 2**0.5, 1))
    bent = net.add("Add", net.add("Erf", net.add("Div", x, root)), one)
    return net.add("Mul", net.add("Mul", x, half), bent)


def shaped(net: Network, x: str, *sides: int) -> str:
    return net.add("Reshape", x, net.constant(np.array([-1, *sides], np.int64)))


def vit() -> onnx.ModelProto:
    """One block: attention by Einsum, as Keras writes it, and two dense layers with a GELU."""
    net = Network()
    x = net.conv(net.start, WIDTH, 3, kernel=4, stride=4)
    x = shaped(net, net.add("Transpose", x, perm=[0, 2, 3, 1]), TOKENS, WIDTH)
    y = normalised(net, x)
    each = [shaped(net, dense(net, y, WIDTH, WIDTH), TOKENS, HEADS, WIDTH // HEADS) for _ in "qkv"]
    scores = net.add("Einsum", each[0], each[1], equation="btnh,bsnh->bnts")
    shares = net.add("Softmax", scores, axis=-1)
    heard = net.add("Einsum", shares, each[2], equation="bnts,bsnh->btnh")
    weight = net.rng.normal(size=(HEADS, WIDTH // HEADS, WIDTH)).astype(np.float32) / 4
    told = net.add("Einsum", heard, net.constant(weight), equation="abcd,cde->abe")
    x = net.add("Add", x, told)
    y = gelu(net, dense(net, normalised(net, x), WIDTH, 4 * WIDTH))
    x = net.add("Add", x, dense(net, y, 4 * WIDTH, WIDTH, bias=False))
    x = shaped(net, normalised(net, x), 8, 8, WIDTH)
    return net.model(net.add("Transpose", x, perm=[0, 3, 1, 2]), WIDTH)


# Float


@pytest.mark.parametrize(
    ("equation", "first", "second"),
    [
        ("btnh,bsnh->bnts", (2, 5, 3, 4), (2, 7, 3, 4)),
        ("bnts,bsnh->btnh", (2, 3, 5, 7), (2, 7, 3, 4)),
        ("bij,bjk->bik", (2, 5, 3), (2, 3, 4)),
        ("bij,bjk->bki", (2, 5, 3), (2, 3, 4)),
        ("abc,cde->abde", (2, 5, 6), (6, 2, 3)),
        ("abcd,cde->abe", (2, 5, 2, 3), (2, 3, 4)),
        ("abc,cd->adb", (2, 5, 6), (6, 4)),
        ("abc,bd->acd", (2, 5, 6), (5, 4)),
    ],
)
@pytest.mark.parametrize("constant", [False, True])
def test_a_product_in_another_form_is_the_same(
    equation: str, first: tuple[int, ...], second: tuple[int, ...], constant: bool
) -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in (first, second))
    sides: dict[str, list[str | int | None]] = {
        "a": ["batch", *first[1:]],
        "b": ["batch", *second[1:]],
    }
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sides[name])
        for name in ("a" if constant else "ab")
    ]
    graph = helper.make_graph(
        [helper.make_node("Einsum", ["a", "b"], ["y"], equation=equation)],
        "one",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(b, "b")] if constant else [],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made = with_products(model)
    plain = {"btnh,bsnh->bnts", "bnts,bsnh->btnh", "bij,bjk->bik", "bij,bjk->bki"}
    attention = equation in plain
    assert (made is model) == (attention == constant)
    feeds = {"a": a} if constant else {"a": a, "b": b}
    got, wanted = (open_session(one).run(None, feeds)[0] for one in (made, model))
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_a_network_of_convolutions_stays_as_it_is() -> None:
    model = mobile()
    assert with_products(model) is model


def test_tokens_in_another_form_give_the_same_features() -> None:
    model, pictures = vit(), photos(6, seed=4)
    wanted, got = features_of(model, pictures), features_of(with_products(model), pictures)
    assert agreement.compare(wanted, got).relative_l2_max < 1e-5


# Int8


def test_every_product_of_a_transformer_is_integer(tmp_path: Path) -> None:
    model, judged = vit(), photos(30, seed=4)
    made = quantize_model(model, photos(16))
    assert made.integer.weights == made.integer.macs == 1
    ops = optimised(made.model, tmp_path)
    assert ops.count("QGemm") == 6
    assert ops.count("QLinearMatMul") == 2
    assert not {"Einsum", "Gemm", "MatMul", "Conv"} & {*ops}
    assert "Gelu" in ops  # no bytes inside it, nor inside a layer normalisation
    assert "QLinearMul" not in ops
    found = agreement.compare(features_of(model, judged), features_of(made.model, judged))
    assert found.cosine_mean > 0.99


def test_what_misses_its_gates_stays_in_float_step_by_step() -> None:
    """First attention, then the layers that lose most, last every dense layer on tokens."""
    tried: list[str] = []
    gates = Gates(cosine_mean=1.1)
    with pytest.raises(VerificationError, match="with 6 layers in float"):
        search(vit(), photos(8), photos(30, seed=4), target=ANY, gates=gates, say=tried.append)
    shares = [line.partition(" are integer")[0] for line in tried]
    assert shares[0] == "100 % of the weights and 100 % of the multiplications"
    assert shares[1].startswith("100 % of the weights and 6")  # the products of two tensors
    layers = [line.partition(" layers in float")[0].rpartition(", ")[2] for line in tried[2:]]
    assert layers == ["1", "2", "6"]


def test_attention_in_float_is_tried_before_a_latency_is_called_too_long() -> None:
    tried: list[str] = []
    limits = CostLimits(latency_ratio=1e-6)
    with pytest.raises(VerificationError, match="latency_ratio"):
        search(
            vit(),
            photos(8),
            photos(30, seed=4),
            target=ANY,
            gates=Gates(),
            limits=limits,
            say=tried.append,
        )
    assert len(tried) == 2


def test_the_side_of_the_test_network() -> None:
    assert (SIDE // 4) ** 2 == TOKENS
