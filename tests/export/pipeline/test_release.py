"""The committed models are what the pipeline makes from the weights package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureExtractor
from edgefeat.model.file import read_model_file
from edgefeat_export.pipeline.release import release
from edgefeat_export.pipeline.results import FinishedFile


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FinishedFile]:
    folder = tmp_path_factory.mktemp("models")
    return {one.path.name: one for one in release(folder, say=print)}


@pytest.fixture(scope="module")
def manifest(root: Path) -> dict[str, dict[str, object]]:
    document = json.loads((root / "models" / "manifest.json").read_text())
    return {entry["file"]: entry for entry in document["models"]}


def test_the_manifest_tells_the_truth(root: Path, manifest: dict[str, dict[str, object]]) -> None:
    assert sorted(manifest) == sorted(path.name for path in (root / "models").glob("*.onnx"))
    readme = (root / "models" / "README.md").read_text()
    for name, entry in manifest.items():
        data = (root / "models" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["size_bytes"]
        file = read_model_file(root / "models" / name)
        assert file.spec.fingerprint == entry["fingerprint"]
        assert file.spec.source.licence == "Apache-2.0"
        assert f"`{name}`" in readme
        assert str(entry["sha256"])[:16] in readme


def test_a_rebuild_gives_the_committed_files(
    root: Path,
    photos: Path,
    rebuilt: dict[str, FinishedFile],
    manifest: dict[str, dict[str, object]],
) -> None:
    """Equal fingerprints, or where the CPU rounds another way, features as near as promised."""
    assert sorted(rebuilt) == sorted(manifest)
    for name, one in rebuilt.items():
        committed = read_model_file(root / "models" / name).spec
        if one.spec.fingerprint == committed.fingerprint:
            continue
        paths = sorted(photos.glob("*.jpg"))
        with FeatureExtractor(root / "models" / name) as old, FeatureExtractor(one.path) as new:
            before, after = old.extract_batch(paths), new.extract_batch(paths)
        allowed = {"fp32": 1e-5, "int8": 0.05}[one.spec.precision]
        difference = np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)
        assert difference.max() <= allowed, name
