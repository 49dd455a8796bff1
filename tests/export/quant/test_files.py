"""`edgefeat-export quantize`: from a finished float file to a finished int8 file."""

import json
from dataclasses import replace

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgefeat import FeatureExtractor
from edgefeat.model.file import read_model_file
from edgefeat.model.spec import InputSpec, ModelSpec, OutputKind, OutputSpec, SourceSpec
from edgefeat_export.cli import main as cli
from edgefeat_export.proof.stamp import fingerprint_of, stamp

SIDE, DIM = 32, 24


def network():
    rng = np.random.default_rng(8)
    weight = (rng.normal(size=(DIM, 3, 3, 3)) / 400).astype(np.float32)
    constants = {
        "mean": np.full((1, 3, 1, 1), -127, np.float32), "weight": weight,
        "bias": rng.normal(size=DIM).astype(np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("Transpose", ["image"], ["a"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["a"], ["b"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["b", "mean"], ["c"]),
        helper.make_node("Conv", ["c", "weight", "bias"], ["d"], pads=[0, 0, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("ReduceMean", ["e"], ["features"], axes=[2, 3], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", DIM])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def float_file(tmp_path):
    model, size = network(), InputSpec(size_hw=(SIDE, SIDE))
    outputs = (
        OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(DIM,), source_layer="last"),
    )
    spec = ModelSpec(
        name="net", precision="fp32", inputs=(size,), outputs=outputs, parity=None, probe=None,
        source=SourceSpec(backbone="net", weights="none", weights_sha256=None, licence="none"),
        fingerprint=fingerprint_of(model, size, outputs),
    )  # fmt: skip
    path = tmp_path / "net_32_fp32.onnx"
    stamp(model, spec, path)
    return path


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(9)
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(24):
        coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
        picture = cv2.resize(coarse, (90, 70), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(photos / f"{index}.png"), picture)
    return photos


def run(*arguments):
    return cli.main(["quantize", *map(str, arguments)])


def test_the_int8_file_runs_and_says_how_it_was_made(float_file, folder, tmp_path, capsys):
    report = tmp_path / "report.html"
    assert run(float_file, "--calibrate", folder, "--report", report, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    path = float_file.with_name("net_32_int8.onnx")
    assert summary["path"] == str(path)
    spec = read_model_file(path).spec
    assert spec.precision == "int8"
    assert spec.fingerprint != read_model_file(float_file).spec.fingerprint
    made = spec.extra["quantization"]
    assert (made["target"], made["pair_limit"]) == ("any", 128)
    assert made["calibration"] == "24 pictures of the user, half of them blurred"
    assert spec.parity is not None
    assert spec.parity.extra["against"] == read_model_file(float_file).spec.fingerprint
    assert "net, int8" in report.read_text()
    image = np.full((1, SIDE, SIDE, 3), 90, np.uint8)
    with FeatureExtractor(path) as small, FeatureExtractor(float_file) as large:
        got, wanted = small.extract_prepared(image), large.extract_prepared(image)
    assert np.linalg.norm(got - wanted) < 0.05 * np.linalg.norm(wanted)


def plain_session(path, **entries):
    options = ort.SessionOptions()
    for name, value in entries.items():
        options.add_session_config_entry(f"session.{name}", value)
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("target", ["any", "x86-vnni"])
def test_int8_features_are_those_of_exact_sums_on_every_cpu(target, float_file, folder):
    """The same bits from kernels for uint8 weights, which saturate nowhere, and from edgefeat."""
    assert run(float_file, "--calibrate", folder, "--target", target) == 0
    path = float_file.with_name("net_32_int8.onnx")
    exact = plain_session(path, x64quantprecision="1")
    with FeatureExtractor(path) as extractor:
        for level in (0, 90, 255):
            image = np.full((1, SIDE, SIDE, 3), level, np.uint8)
            image[:, ::2] = 255
            wanted = exact.run(["features"], {"image": image})[0]
            np.testing.assert_array_equal(extractor.extract_prepared(image), wanted)


def test_a_missed_gate_leaves_no_file(float_file, folder, capsys):
    assert run(float_file, "--calibrate", folder, "--gate", "int8.cosine_mean=1.5") == 3
    assert "No int8 file was written" in capsys.readouterr().err
    assert [p.name for p in float_file.parent.glob("*.onnx")] == [float_file.name]


def test_an_int8_file_is_refused(float_file, folder, capsys):
    spec = replace(read_model_file(float_file).spec, precision="int8")
    stamp(onnx.load(float_file), spec, float_file)
    assert run(float_file, "--calibrate", folder) == 3
    assert "expected an fp32 model, got int8. Give its fp32 file." in capsys.readouterr().err


def test_an_unknown_target_names_the_known_ones(float_file, capsys):
    assert run(float_file, "--target", "vax") == 2
    assert "expected one of any, x86-vnni, x86, arm64-dot, arm64, or auto:FILE" in (
        capsys.readouterr().err
    )
