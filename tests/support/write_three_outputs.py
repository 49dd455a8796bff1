"""Writes tests/data/three_outputs.onnx, a model whose three outputs anybody can compute by hand.

    python tests/support/write_three_outputs.py

`features` (3,) is the mean colour of the picture, `grid` (2, 2, 3) the mean colours of its four
quarters as a map, `quarters` (12,) the same as a vector. Needs the exporter's environment.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from edgefeat.model.spec import InputSpec, ModelSpec, OutputKind, OutputSpec, SourceSpec
from edgefeat_export.proof.stamp import fingerprint_of, stamp

PLACE = Path(__file__).parents[1] / "data" / "three_outputs.onnx"
SIDE = 32
OUTPUTS = (
    OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(3,), source_layer="mean"),
    OutputSpec(name="grid", kind=OutputKind.MAP, shape=(2, 2, 3), source_layer="quarters"),
    OutputSpec(name="quarters", kind=OutputKind.VECTOR, shape=(12,), source_layer="quarters"),
)


def write(path: Path) -> None:
    """Make the model and write it with its spec."""
    half = SIDE // 2
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        node("GlobalAveragePool", ["planes"], ["mean"]),
        node("Flatten", ["mean"], ["features"]),
        node("AveragePool", ["planes"], ["pooled"], kernel_shape=[half] * 2, strides=[half] * 2),
        node("Transpose", ["pooled"], ["grid"], perm=[0, 2, 3, 1]),
        node("Flatten", ["grid"], ["quarters"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE, SIDE, 3])
    outputs = [
        helper.make_tensor_value_info(one.name, TensorProto.FLOAT, ["n", *one.shape])
        for one in OUTPUTS
    ]
    graph = helper.make_graph(nodes, "three_outputs", [image], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    input_spec = InputSpec(size_hw=(SIDE, SIDE))
    spec = ModelSpec(
        name="three_outputs",
        precision="fp32",
        inputs=(input_spec,),
        outputs=OUTPUTS,
        source=SourceSpec(
            backbone="means", weights="none", weights_sha256=None, licence="Apache-2.0"
        ),
        parity=None,
        probe=None,
        fingerprint=fingerprint_of(model, input_spec, OUTPUTS),
    )
    stamp(model, spec, path)


if __name__ == "__main__":
    write(PLACE)
