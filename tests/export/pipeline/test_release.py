"""The committed models are what the pipeline makes from the weights package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from edgefeat.model.file import read_model_file
from edgefeat_export.pipeline.release import release
from edgefeat_export.pipeline.results import FinishedFile

FIDELITY_MARGIN = 1e-5  # Keras's features follow the CPU's float kernels in the seventh digit


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
    """Equal graphs on every CPU, to the last bit; equal fidelity but for Keras's last digits."""
    assert sorted(rebuilt) == sorted(manifest)
    for name, one in rebuilt.items():
        committed = read_model_file(root / "models" / name).spec
        assert one.spec.fingerprint == committed.fingerprint, name
        new, old = one.spec.parity, committed.parity
        assert new is not None
        assert old is not None
        assert new.cosine_mean == pytest.approx(old.cosine_mean, abs=FIDELITY_MARGIN)
        assert new.cosine_min == pytest.approx(old.cosine_min, abs=FIDELITY_MARGIN)
