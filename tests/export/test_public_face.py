"""`from edgefeat_export import build, quantize, verify`: cheap, complete, true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgefeat_export
from edgefeat import FeatureExtractor
from edgefeat.errors import OptionError
from edgefeat.model.file import read_model_file
from edgefeat_export import BACKBONES, ExportError, NetworkRequest, VerificationError
from edgefeat_export.pipeline.results import BuildResult
from edgefeat_export.precision import Precision
from keras_models import sequential

UNCHECKED = {f"int8.{gate}": None for gate in ("relative_l2_max", "cosine_mean", "cosine_min")}


def test_the_names_are_sorted_and_real() -> None:
    assert edgefeat_export.__all__ == sorted(edgefeat_export.__all__)
    assert len(edgefeat_export.__all__) <= 15
    for name in edgefeat_export.__all__:
        assert getattr(edgefeat_export, name) is not None
    assert dir(edgefeat_export) == edgefeat_export.__all__


def test_no_module_has_the_name_of_a_function() -> None:
    folder = Path(edgefeat_export.__file__).parent
    modules = {path.stem for path in folder.iterdir()}
    assert not modules & set(edgefeat_export.__all__) - {"__init__"}


def test_importing_it_loads_nothing_heavy(root: Path) -> None:
    script = (
        "import sys, edgefeat_export\n"
        "from edgefeat_export import BACKBONES, ExportError, NetworkRequest\n"
        "print(sorted({'tensorflow', 'keras', 'onnx', 'onnxruntime', 'cv2'} & sys.modules.keys()))"
    )
    environment = {"PYTHONPATH": f"{root}:{root / 'export'}"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_backbones_say_what_they_are() -> None:
    assert BACKBONES["mobilenet"].feature_dim == 1024
    assert BACKBONES["mobilenet"].macs == 567_716_352


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "mine.keras"
    sequential().save(path)
    return path


@pytest.fixture(scope="module")
def built(saved: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    """Both precisions of a network that is reduced and has a second output."""
    return edgefeat_export.build(
        saved,
        tmp_path_factory.mktemp("face") / "models",
        layers=["depthwise:gem", "pool"],
        reduce="pca:3",
        l2=True,
        precisions=["fp32", "int8"],
        calibrate=photos,
        gates=UNCHECKED,
    )


def test_build_says_what_it_made(built: BuildResult) -> None:
    fp32, int8 = built.files
    assert fp32.path.name == "mine_depthwise_gem_pool_24x32_fp32.onnx"
    assert fp32.size_bytes == fp32.path.stat().st_size
    assert fp32.spec == read_model_file(fp32.path).spec
    assert list(fp32.parities) == ["features", "pool"]
    assert fp32.parities["features"].images == 100
    assert fp32.parities["pool"].relative_l2_max < 1e-5
    assert int8.spec.precision == "int8"
    assert built.left_out == {}
    assert built.card == fp32.path.with_name("mine_depthwise_gem_pool_24x32.md")


def test_both_ways_to_int8_are_one(built: BuildResult, photos: Path, tmp_path: Path) -> None:
    """The same graph from the float file as from the network: the reduction stays in float."""
    fp32, int8 = built.files
    page = tmp_path / "page.html"
    made = edgefeat_export.quantize(
        fp32.path, tmp_path / "again.onnx", calibrate=photos, gates=UNCHECKED, report=page
    )
    assert made.spec.fingerprint == int8.spec.fingerprint
    assert made.spec.probe is not None
    assert int8.spec.probe is not None
    assert made.spec.probe.expected == int8.spec.probe.expected
    stored_as_float16 = 1.5 * 5e-4  # what the float file's copy of Keras's features may differ by
    assert made.spec.probe.relative_l2_max == pytest.approx(
        int8.spec.probe.relative_l2_max, abs=stored_as_float16
    )
    assert made.spec.extra["quantization"] == int8.spec.extra["quantization"]
    assert list(made.parities) == ["features", "pool"]
    assert made.spec.parity is not None
    assert made.spec.parity.extra["against"] == fp32.spec.fingerprint
    assert made.float_size_bytes == fp32.size_bytes
    assert made.report == page
    assert "mine_depthwise_gem_pool, int8" in page.read_text()
    picture = np.full((1, 24, 32, 3), 90, np.uint8)
    ours, theirs = (
        FeatureExtractor(path, outputs="all").outputs_prepared(picture)
        for path in (made.path, int8.path)
    )
    for name in ("features", "pool"):
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_a_missed_gate_of_another_output_leaves_no_file(built: BuildResult, tmp_path: Path) -> None:
    fp32 = built.files[0]
    with pytest.raises(VerificationError) as refusal:
        edgefeat_export.quantize(
            fp32.path,
            tmp_path / "new" / "folder" / "int8.onnx",
            gates={**UNCHECKED, "int8.relative_l2_max": 1e-9},
        )
    assert refusal.value.reasons[0]["gate"] == "relative_l2_max"
    assert list(tmp_path.iterdir()) == []


def test_int8_that_nobody_asked_for_is_told_to_be_left_out(saved: Path, tmp_path: Path) -> None:
    result = edgefeat_export.build(saved, tmp_path, gates={"int8.cosine_mean": 1.5})
    assert [file.spec.precision for file in result.files] == ["fp32"]
    assert list(result.left_out) == ["int8"]
    missed = {
        reason["gate"]: reason["needed"] for reason in result.left_out[Precision.INT8].reasons
    }
    assert missed["cosine_mean"] == 1.5


def test_only_fp32_files_are_quantized(built: BuildResult) -> None:
    int8 = built.files[1]
    with pytest.raises(ExportError) as refusal:
        edgefeat_export.quantize(int8.path)
    assert str(refusal.value) == (
        f"{int8.path}: expected an fp32 model, got int8. Give its fp32 file."
    )


def test_a_report_that_cannot_be_written_is_told_before_the_work(
    built: BuildResult, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=r"no/page\.html: the folder .* does not exist"):
        edgefeat_export.quantize(built.files[0].path, report=tmp_path / "no" / "page.html")


def test_verify_measures_every_output(built: BuildResult, saved: Path, photos: Path) -> None:
    lines: list[str] = []
    fp32 = built.files[0]
    found = edgefeat_export.verify(fp32.path, saved, photos, at_most=2, say=lines.append)
    assert list(found.parities) == ["features", "pool"]
    assert found.parities["features"].images == 2
    assert found.same_weights
    assert found.spec == fp32.spec
    assert any(line.startswith("taking 2 of the 3 pictures of ") for line in lines)


def test_verify_refuses_a_gate_of_another_precision(
    built: BuildResult, saved: Path, photos: Path
) -> None:
    with pytest.raises(OptionError, match=r"^gates: int8\.cosine_mean is for int8, but this is"):
        edgefeat_export.verify(built.files[0].path, saved, photos, gates={"int8.cosine_mean": 0.9})


def test_the_summary_marks_every_output(saved: Path) -> None:
    table = edgefeat_export.summary(NetworkRequest(str(saved)), layers=["depthwise:max", "pool"])
    marked = [line.split("◄")[1] for line in table.splitlines() if "◄" in line]
    assert marked == [" features (max)", " pool"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.5}, "alpha: chooses among catalogue backbones; a saved model has its own."),
        ({"weights": "none"}, "weights: chooses among catalogue backbones; a saved model has its"),
    ],
)
def test_options_of_backbones_do_not_fit_a_saved_model(
    options: dict[str, object], message: str, saved: Path
) -> None:
    with pytest.raises(OptionError) as refusal:
        edgefeat_export.summary(NetworkRequest(str(saved), **options))  # type: ignore[arg-type]
    assert str(refusal.value).startswith(f"{saved}: {message}")


@pytest.mark.parametrize(
    "options",
    [{"licence": "MIT"}, {"allow_code": True}, {"normalisation": "tf"}, {"input_range": (0, 1)}],
    ids=lambda options: next(iter(options)),
)
def test_options_of_saved_models_do_not_fit_a_backbone(options: dict[str, object]) -> None:
    with pytest.raises(OptionError) as refusal:
        edgefeat_export.summary(NetworkRequest("mobilenet", **options))  # type: ignore[arg-type]
    assert str(refusal.value) == (
        f"mobilenet: {next(iter(options))}: is for saved models; a catalogue backbone's own is"
        " known. Leave it out."
    )


def test_quantizing_a_file_needs_no_tensorflow(root: Path) -> None:
    script = (
        "import sys\nfrom edgefeat_export import quantize\n"
        "print(sorted({'tensorflow', 'keras', 'tf2onnx'} & sys.modules.keys()))"
    )
    environment = {"PYTHONPATH": f"{root}:{root / 'export'}"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
