"""`bundle`: one file from a raw frame to the model's own features."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from edgefeat import FeatureExtractor, FeatureSet, bench
from edgefeat.errors import ImageError, ModelError, OptionError
from edgefeat.model.file import read_model_file
from edgefeat.model.probe import probe_image
from edgefeat.model.spec import METADATA_KEY
from edgefeat_export import bundle
from edgefeat_export.cli.main import main
from edgefeat_export.errors import ExportError

MODELS = Path(__file__).parents[3] / "models"
INT8 = MODELS / "efficientnet_lite0_224_int8.onnx"
FP32 = MODELS / "efficientnet_lite0_224_fp32.onnx"
TAPS = Path(__file__).parents[2] / "data" / "three_outputs.onnx"
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="module")
def vga(folder: Path) -> Path:
    (made,) = bundle(INT8, [(480, 640)], folder / "vga.onnx", pixels="bgr")
    assert made.equal_frames == made.frames == 10
    assert made.size_bytes < made.core_size_bytes + 200_000
    return made.path


def photo(size_hw: tuple[int, int], photos: Path) -> Pixels:
    picture = cv2.imread(str(photos / "coffee.jpg"))
    assert picture is not None
    return cv2.resize(picture, size_hw[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def test_features_are_the_models_bit_for_bit(vga: Path, photos: Path) -> None:
    frame = photo((480, 640), photos)
    with FeatureExtractor(vga) as ours, FeatureExtractor(INT8) as model:
        assert ours.extract(frame).tobytes() == model.extract(frame).tobytes()
        assert ours.fingerprint == model.fingerprint
        both = np.stack([frame, frame[::-1]])
        np.testing.assert_array_equal(ours.extract_prepared(both), model.extract_batch(both))
        assert ours.self_test().exact is True


def test_normalised_sets_of_both_may_be_compared(vga: Path) -> None:
    with FeatureExtractor(vga, normalize=True) as ours, FeatureExtractor(INT8, normalize=True) as m:
        assert ours.fingerprint == m.fingerprint


def test_any_onnx_runtime_runs_it_and_proves_it(vga: Path) -> None:
    session = ort.InferenceSession(vga, providers=["CPUExecutionProvider"])
    (frame,) = session.get_inputs()
    assert (frame.name, frame.shape, frame.type) == ("frame", [1, 480, 640, 3], "tensor(uint8)")
    spec = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
    image = probe_image(spec["probe"]["seed"], tuple(spec["probe"]["size_hw"]))
    (features,) = session.run(["features"], {"frame": image[np.newaxis]})
    digest = hashlib.sha256(np.asarray(features).tobytes()).hexdigest()
    assert digest == spec["probe"]["features_sha256"]


def test_frames_of_another_size_are_refused(vga: Path, photos: Path) -> None:
    with FeatureExtractor(vga) as ours:
        with pytest.raises(ImageError, match="expected a frame of 640 x 480 pixels"):
            ours.extract(photos / "coffee.jpg")
        with pytest.raises(ValueError, match="expected uint8 of shape"):
            ours.extract_prepared(np.zeros((1, 224, 224, 3), np.uint8))
    with pytest.raises(OptionError, match="does not apply to a bundle"):
        FeatureExtractor(vga, decode="full")


def test_all_outputs_come_through(folder: Path) -> None:
    (made,) = bundle(TAPS, [(96, 96)], folder / "taps.onnx")
    frame = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    with (
        FeatureExtractor(made.path, outputs="all") as ours,
        FeatureExtractor(TAPS, outputs="all") as model,
    ):
        got, want = ours.extract_outputs(frame), model.extract_outputs(frame)
    assert list(got) == list(want)
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-6)


def test_a_float_model_and_a_layout_of_planes(folder: Path) -> None:
    (made,) = bundle(FP32, [(240, 320)], folder / "planes.onnx", pixels="nv12")
    raw = np.random.default_rng(0).integers(0, 256, (360, 320), np.uint8)
    bgr = cv2.cvtColor(raw, cv2.COLOR_YUV2BGR_NV12)
    with FeatureExtractor(made.path) as ours, FeatureExtractor(FP32) as model:
        got, want = ours.extract(raw), model.extract(bgr.astype(np.uint8))
        assert ours.self_test().passed
    assert np.linalg.norm(got - want) <= 1e-5 * np.linalg.norm(want)


def test_several_sizes_make_several_files(folder: Path) -> None:
    made = bundle(INT8, [(240, 320), (360, 640)], folder / "several")
    names = [one.path.name for one in made]
    assert names == [f"{INT8.stem}_320x240_rgb.onnx", f"{INT8.stem}_640x360_rgb.onnx"]
    with pytest.raises(OptionError, match="expected a folder for 2 sizes"):
        bundle(INT8, [(240, 320), (360, 640)], folder / "one.onnx")


def test_nothing_is_written_where_one_size_fails(folder: Path) -> None:
    with pytest.raises(OptionError, match="348 x 348"):
        bundle(INT8, [(480, 640), (348, 348)], folder / "none")
    assert not (folder / "none").exists()


def test_a_bundle_of_a_bundle_is_refused(vga: Path, folder: Path) -> None:
    with pytest.raises(ExportError, match="is a bundle already"):
        bundle(vga, [(480, 640)], folder / "again.onnx")


def test_an_edited_frame_breaks_the_seal(vga: Path, tmp_path: Path) -> None:
    model = onnx.load(vga)
    document = json.loads(model.metadata_props[0].value)
    document["frame"]["pixels"] = "rgb"
    model.metadata_props[0].value = json.dumps(document)
    onnx.save(model, tmp_path / "edited.onnx")
    with pytest.raises(ModelError, match="damaged or edited"):
        read_model_file(tmp_path / "edited.onnx")


def test_a_file_of_version_2_without_a_frame_is_refused(vga: Path, tmp_path: Path) -> None:
    model = onnx.load(vga)
    document = json.loads(model.metadata_props[0].value)
    del document["frame"]
    model.metadata_props[0].value = json.dumps(document)
    onnx.save(model, tmp_path / "edited.onnx")
    with pytest.raises(ModelError, match="or a 'frame' beside it, as in a bundle"):
        read_model_file(tmp_path / "edited.onnx")


def test_a_set_says_whose_features_it_holds(vga: Path, photos: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), photo((480, 640), photos))
    from edgefeat.cli.main import main as edgefeat

    for model, name in ((vga, "ours.npz"), (INT8, "model.npz")):
        words = [
            "extract",
            str(tmp_path / "a.png"),
            "-o",
            str(tmp_path / name),
            "--model",
            str(model),
        ]
        assert edgefeat(words) == 0
    ours, model_set = (FeatureSet.read(tmp_path / name) for name in ("ours.npz", "model.npz"))
    assert ours.info.fingerprint == model_set.info.fingerprint
    np.testing.assert_array_equal(ours.features, model_set.features)


def test_the_command_writes_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bundle", str(INT8), "--frame", "320x240", "-o", str(folder / "c.onnx")]
    assert main(words) == 0
    assert "10 of 10 frames equal" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert document["spec"]["frame"]["size_hw"] == [240, 320]
    assert document["equal_frames"] == 10


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--frame", "640"], 2, "expected WIDTHxHEIGHT, such as 640x480"),
        (["--frame", "640x480", "--pixels", "yv12"], 2, "--pixels: expected 'rgb'"),
        (["--frame", "641x480", "--pixels", "nv12"], 2, "--frame: expected even sides"),
        (["--frame", "348x348"], 2, "--frame: frames of 348 x 348 pixels have no exact graph"),
        ([], 2, "--frame"),
    ],
)
def test_wrong_usage(
    more: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bundle", str(INT8), *more, "-o", str(tmp_path / "x.onnx")]
    try:
        ended = main(words)
    except SystemExit as error:
        ended = int(error.code or 0)
    assert (ended, said in capsys.readouterr().err) == (code, True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pixels", ["bgr", "nv12"])
def test_a_benchmark_takes_frames_of_the_bundles_size(folder: Path, pixels: str) -> None:
    (made,) = bundle(INT8, [(240, 320)], folder / f"bench_{pixels}.onnx", pixels=pixels)
    pictures = bench.sample_pictures(made.spec.frame)
    assert pictures.source.endswith("320 x 240")
    with FeatureExtractor(made.path) as ours:
        for picture in pictures.items:
            assert ours.extract(picture).shape == (1280,)


def test_bench_reads_no_source_for_a_bundle(vga: Path) -> None:
    load = bench.CameraLoad(duration_s=0.1)
    report = bench.run(bench.Setup.of(vga), loads=[load], cold_starts=0)
    camera = report.subjects[0].camera
    assert camera is not None
    assert camera.emitted >= 1
    (only,) = camera.sources
    assert only.note == "a bundle takes raw frames of one size and layout: no source was read"
