"""The committed models are what the pipeline makes from the weights package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from edgefeat.model.file import read_model_file
from edgefeat_export.pipeline.release import release
from edgefeat_export.pipeline.results import FinishedFile

MEAN_MARGIN, LEAST_MARGIN = 0.001, 0.005  # cosines; far less than the gates leave


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
    rebuilt: dict[str, FinishedFile],
    manifest: dict[str, dict[str, object]],
) -> None:
    """Equal fingerprints; or, where the CPU's float kernels round another way, equal fidelity.

    A quantizer fits layer by layer, so one weight rounded another way moves all later ones. Such a
    file is another one, and as good: each is held to Keras, not to the other.
    """
    assert sorted(rebuilt) == sorted(manifest)
    for name, one in rebuilt.items():
        committed = read_model_file(root / "models" / name).spec
        if one.spec.fingerprint == committed.fingerprint:
            continue
        new, old = one.spec.parity, committed.parity
        assert new is not None
        assert old is not None
        assert one.spec.precision == "int8", name  # the float graph is the same on every CPU
        assert new.cosine_mean >= old.cosine_mean - MEAN_MARGIN
        assert new.cosine_min >= old.cosine_min - LEAST_MARGIN
