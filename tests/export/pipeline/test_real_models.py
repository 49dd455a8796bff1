"""Published networks with their real weights, on real pictures."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from edgefeat import FeatureExtractor
from edgefeat.model.file import read_model_file
from edgefeat_export.cli.main import main
from keras_models import sequential

RESNET8_HEADED = 0.884  # of the shared test images; mlcommons/tiny gives 0.8719 on all 10 000


@pytest.mark.parametrize(("alpha", "file", "dim"), [(0.25, "2_5", 256), (1.0, "1_0", 1024)])
def test_mobilenet_keeps_its_features_on_photos(
    alpha: float, file: str, dim: int, shared: Path | None, photos: Path, tmp_path: Path
) -> None:
    """The official weights where they are, random ones elsewhere; the same gates hold for both."""
    weights = f"{shared}/keras/mobilenet_{file}_224_tf_no_top.h5" if shared else "none"
    images = shared / "photos" if shared else photos
    arguments = ["build", "mobilenet", "--alpha", str(alpha), "--weights", weights]
    arguments += ["--precision", "fp32,fp16", "--images", str(images), "-o", str(tmp_path)]
    assert main([*arguments, "--gate", "fp16.cosine_min=0.9995"]) == 0
    name = "mobilenet_025" if alpha < 1 else "mobilenet"
    whole = tmp_path / f"{name}_224_fp32.onnx"
    half = tmp_path / f"{name}_224_fp16.onnx"
    assert half.stat().st_size < 0.53 * whole.stat().st_size
    spec = read_model_file(whole).spec
    assert spec.dim == dim
    assert spec.source.licence == ("Apache-2.0" if shared else "none")


@pytest.fixture(scope="module")
def headed(shared: Path | None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A whole classifier, its features beside its classes: (source, exported file)."""
    folder = tmp_path_factory.mktemp("headed")
    if shared:
        source, layers = shared / "keras" / "pretrainedResnet.h5", ("flatten", "dense")
    else:
        source, layers = folder / "small.keras", ("pool", "classes")
        sequential((32, 32, 3)).save(source)
    arguments = ["build", str(source), "--normalize", "none", "--name", "headed"]
    arguments += ["--layer", layers[0], "--layer", layers[1], "--licence", "Apache-2.0"]
    assert main([*arguments, "--precision", "fp32,fp16", "-o", str(folder)]) == 0
    return source, folder / "headed_32_fp32.onnx"


def test_a_whole_classifier_keeps_its_answers(
    headed: tuple[Path, Path], shared: Path | None, photos: Path
) -> None:
    source, path = headed
    keras_model = keras.models.load_model(source, compile=False)
    for precision in ("fp32", "fp16"):
        with FeatureExtractor(str(path).replace("fp32", precision), outputs="all") as extractor:
            if shared:
                with np.load(shared / "cifar10" / "cifar10.npz") as data:
                    images, labels = data["x_test"], data["y_test"].reshape(-1)
            else:
                images = np.stack([extractor.prepare(p) for p in sorted(photos.glob("*.jpg"))])
                labels = None
            last = extractor.spec.outputs[1].name
            classes = extractor.outputs_prepared(images)[last].argmax(axis=1)
        expected = keras_model.predict(images.astype(np.float32), verbose=0).argmax(axis=1)
        assert (classes == expected).mean() >= (1 if precision == "fp32" else 0.998)
        if labels is not None:
            assert (classes == labels).mean() == pytest.approx(RESNET8_HEADED, abs=0.0015)


def test_the_cut_is_found_before_the_classifier(
    headed: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, _ = headed
    arguments = ["build", str(source), "--normalize", "none", "--precision", "fp32", "--json"]
    assert main([*arguments, "-o", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    (output,) = json.loads(captured.out)["files"][0]["spec"]["outputs"]
    assert output["shape"] in ([64], [8])
    assert f"cut at layer '{output['source_layer']}': the" in captured.err
