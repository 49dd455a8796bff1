"""What a cosine means is measured anew in a finished file; everything else in it stays."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from edgefeat import FeatureExtractor
from edgefeat.model.file import content_sha256, read_model_file
from edgefeat.model.shipped import sample_photos
from edgefeat.model.spec import OutputKind
from edgefeat_export import ExportError
from edgefeat_export.cli.main import main
from edgefeat_export.pipeline import release
from edgefeat_export.pipeline.levels import levels
from edgefeat_export.proof import stamp
from tests_support import join_model, split_model

STALE = {"same": 0.5, "near": 0.4, "look": 0.3, "other_p999": 0.1}


@pytest.fixture
def models(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the shipped models, in which levels are stale."""
    folder = tmp_path / "models"
    shutil.copytree(root / "models", folder)
    path = folder / "efficientnet_lite0_224_int8.onnx"
    restate(path, similarity=STALE)
    return folder


def restate(path: Path, **said: Any) -> None:
    content, metadata = split_model(path.read_bytes())
    spec = json.loads(metadata["edgefeat.spec"]) | said
    path.write_bytes(join_model(content, {**metadata, "edgefeat.spec": json.dumps(spec)}))


def test_the_release_measured_anew_is_the_committed_one(root: Path, models: Path) -> None:
    """Every CPU gives the same features, so the levels and the whole file are the same too."""
    (models / "manifest.json").write_text("{}")
    said: list[str] = []
    release.measure_levels(models, say=said.append)
    assert said == [f"wrote {models / 'efficientnet_lite0_224_int8.onnx'}"]
    for committed in (root / "models").iterdir():
        assert (models / committed.name).read_bytes() == committed.read_bytes(), committed.name


def test_features_and_fingerprint_stay(models: Path, tmp_path: Path) -> None:
    old, new = models / "efficientnet_lite0_224_int8.onnx", tmp_path / "new.onnx"
    found = levels(old, new)
    before, after = read_model_file(old), read_model_file(new)
    assert after.spec.similarity == found
    assert after.spec.fingerprint == before.spec.fingerprint
    assert content_sha256(new.read_bytes()) == content_sha256(old.read_bytes())
    photo = sample_photos()[0]
    with FeatureExtractor(old) as one, FeatureExtractor(new) as other:
        assert (one.extract(photo) == other.extract(photo)).all()


def test_the_command_measures_on_photos_of_ones_own(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, photos = models / "efficientnet_lite0_224_int8.onnx", tmp_path / "photos"
    photos.mkdir()
    for photo in sample_photos()[:4]:
        shutil.copy(photo, photos)
    before = path.read_bytes()
    assert main(["levels", str(path), "--images", str(photos), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["same", "near", "look", "other_p999"]
    assert told["other_p999"] < told["look"] <= told["near"] <= told["same"]
    assert path.read_bytes() == before

    assert main(["levels", str(path), "--images", str(photos), "-o", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"same {told['same']}  near {told['near']}  look ")
    with FeatureExtractor(path) as extractor:
        stated = extractor.spec.similarity
    assert stated is not None
    assert stated.near == told["near"]


def test_one_photo_tells_nothing(models: Path, tmp_path: Path) -> None:
    shutil.copy(sample_photos()[0], tmp_path / "one.jpg")
    said: list[str] = []
    with pytest.raises(ExportError) as raised:
        levels(
            models / "efficientnet_lite0_224_int8.onnx",
            tmp_path / "new.onnx",
            images=tmp_path / "one.jpg",
            say=said.append,
        )
    assert str(raised.value) == (
        f"{models / 'efficientnet_lite0_224_int8.onnx'}: no level can be told of these photos. "
        "Give others with images: photos of different things."
    )
    assert said == ["note: there are no two different photos to measure what a cosine means"]
    assert not (tmp_path / "new.onnx").exists()


def test_a_folder_that_is_not_there_is_told(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = models / "efficientnet_lite0_224_int8.onnx"
    assert main(["levels", str(path), "--images", str(tmp_path / "nowhere")]) == 3
    said = capsys.readouterr().err
    assert "note: 1 of 1 photos cannot be read and are left out, such as " in said
    assert "no such file" in said
    assert "Give others with --images: photos of different things." in said


def test_a_file_for_rows_is_refused(root: Path) -> None:
    path = root / "tests/data/people.onnx"
    with pytest.raises(ExportError) as raised:
        levels(path)
    assert str(raised.value) == (
        f"{path}: expected a file whose features depend on a picture alone, got one with columns."
    )


def test_a_map_is_refused(models: Path) -> None:
    path = models / "efficientnet_lite0_224_int8.onnx"
    spec, graph = read_model_file(path).spec, onnx.load(path)
    outputs = (replace(spec.primary, kind=OutputKind.MAP, shape=(7, 7, 1280)),)
    sealed = stamp.fingerprint_of(graph, spec.input, outputs)
    stamp.stamp(graph, replace(spec, outputs=outputs, fingerprint=sealed), path)
    with pytest.raises(ExportError, match="features are a map, and cosines are those of vectors"):
        levels(path)
