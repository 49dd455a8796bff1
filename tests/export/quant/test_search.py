"""How much of a network stays float, what is said of it, and what each target can take."""

import numpy as np
import pytest
from onnx import numpy_helper

from edgefeat_export.errors import VerificationError
from edgefeat_export.proof.gates import Gates
from edgefeat_export.quant.graph_to_int8 import quantize_model
from edgefeat_export.quant.report import report_page
from edgefeat_export.quant.search import CostLimits, search
from edgefeat_export.quant.targets import TARGETS, Target
from quant_networks import branches, mobile, optimised, photos

VNNI = TARGETS["x86-vnni"]


# Precision search


@pytest.mark.parametrize("index", [0, 2], ids=["stem", "inside"])
def test_a_layer_kept_in_float_really_runs_in_float(index, tmp_path):
    model = mobile()
    names = list(quantize_model(model, photos()).errors)
    kept = quantize_model(model, photos(), keep_float=[names[index]])
    assert kept.kept_float == (names[index],)
    assert optimised(kept.model, tmp_path).count("Conv") == 1


def test_the_search_keeps_layers_in_float_until_the_gates_hold():
    coarse = Target(name="coarse", weight_limit=3, why="weights of 3 bits lose enough to matter")
    model, judged = mobile(), photos(30, seed=4)
    loose = Gates(cosine_mean=0.5, cosine_p1=0, neighbour_overlap_10=0)
    easy = search(model, photos(), judged, target=coarse, gates=loose)
    assert easy.quantized.kept_float == ()
    needed = 0.8 * easy.fidelity.cosine_mean + 0.2  # a fifth of the error gone
    tight = Gates(cosine_mean=needed, cosine_p1=0, neighbour_overlap_10=0)
    hard = search(model, photos(), judged, target=coarse, gates=tight)
    assert len(hard.attempts) > 1
    assert hard.quantized.kept_float
    assert hard.fidelity.cosine_mean >= needed


def test_gates_that_cannot_hold_are_an_error():
    gates = Gates(cosine_mean=1.1)
    with pytest.raises(VerificationError, match=r"misses its gates .* needed 1\.1\. No int8 file"):
        search(mobile(), photos(), photos(30, seed=4), target=VNNI, gates=gates)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (CostLimits(size_bytes=100), r"size_bytes \d+, allowed 100\."),
        (CostLimits(latency_ratio=1e-6), r"latency_ratio [\d.]+, allowed 1e-06\."),
    ],
    ids=["size", "latency"],
)
def test_a_model_beyond_its_limits_is_an_error_at_once(limits, said):
    tried: list[object] = []
    with pytest.raises(VerificationError, match=said):
        search(
            mobile(), photos(), photos(30, seed=4), target=VNNI, gates=Gates(cosine_mean=0.5),
            limits=limits, say=tried.append,
        )  # fmt: skip
    assert len(tried) == 1


def test_the_record_of_a_search_has_no_clock_in_it():
    found = [
        search(mobile(), photos(), photos(30, seed=4), target=VNNI, gates=Gates(cosine_mean=0.5))
        for _ in range(2)
    ]
    first, again = (outcome.record("here") for outcome in found)
    assert first == again
    assert first["target"] == "x86-vnni"


def test_the_report_names_every_layer_and_loads_nothing():
    model = mobile()
    outcome = search(model, photos(), photos(30, seed=4), target=VNNI, gates=Gates(cosine_mean=0.5))
    page = report_page("net", outcome, size_before=9000, calibration="<tests>")
    assert all(name in page for name in outcome.quantized.errors)
    assert "&lt;tests&gt;" in page
    assert not any(word in page for word in ("http:", "https:", "<script", "src="))


# Targets


def pairs_of(model):
    """Weights that kernels multiply in twos: a window's, pixel by pixel and channel by channel."""
    graph = model.graph
    groups = {
        node.input[1]: next((a.i for a in node.attribute if a.name == "group"), 1)
        for node in graph.node
        if node.op_type == "Conv"
    }
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        weight = arrays.get(node.input[0]) if node.output[0] in groups else None
        if weight is None or groups[node.output[0]] == weight.shape[0] > 1:
            continue  # depthwise: one by one
        taps = weight.transpose(0, 2, 3, 1).reshape(len(weight), -1).astype(np.int32)
        yield taps[:, : taps.shape[1] // 2 * 2].reshape(-1, 2)


def saturated(model):
    """How many pairs a plain x86 would add wrongly: uint8 times int8, two in 16 bits."""
    rng, count = np.random.default_rng(1), 0
    for pairs in pairs_of(model):
        levels = rng.integers(0, 256, pairs.shape)
        for bytes_ in (levels, np.where(levels > 127, 255, 0), np.full_like(levels, 255)):
            exact = (bytes_ * pairs).sum(1)
            count += int((np.clip(exact, -(2**15), 2**15 - 1) != exact).sum())
    return count


@pytest.mark.parametrize("network", [mobile, branches], ids=lambda build: build.__name__)
def test_no_two_products_saturate_on_plain_x86_where_the_full_range_would(network):
    made = {
        name: quantize_model(network(), photos(), target=TARGETS[name]).model
        for name in ("any", "x86", "x86-vnni")
    }
    assert saturated(made["any"]) == saturated(made["x86"]) == 0
    assert saturated(made["x86-vnni"]) > 0
