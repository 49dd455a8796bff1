"""What the exporter writes is what the runtime reads, and what anyone's ONNX Runtime can run."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from edgefeat import FeatureExtractor
from edgefeat.model.file import content_sha256, read_model_file
from edgefeat.model.parsing import parse_spec
from edgefeat.model.spec import METADATA_KEY
from edgefeat_export.errors import ExportError
from edgefeat_export.proof.stamp import stamp
from write_three_outputs import PLACE, write

MODELS = sorted((Path(__file__).parent.parent.parent / "models").glob("*.onnx"))


@pytest.fixture(params=MODELS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_both_sides_read_one_spec(path: Path) -> None:
    entries = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert list(entries) == [METADATA_KEY]
    assert parse_spec(entries[METADATA_KEY], where="onnx") == read_model_file(path).spec


def test_the_hash_covers_everything_but_the_metadata(path: Path) -> None:
    model = onnx.load(path)
    before = content_sha256(model.SerializeToString(deterministic=True))
    assert before == read_model_file(path).content_sha256
    model.metadata_props[0].value = "other"
    assert content_sha256(model.SerializeToString(deterministic=True)) == before
    model.graph.node[0].name = "other"
    assert content_sha256(model.SerializeToString(deterministic=True)) != before


def test_a_changed_graph_cannot_be_stamped(path: Path, tmp_path: Path) -> None:
    model = onnx.load(path)
    model.graph.node[0].name = "other"
    with pytest.raises(ExportError, match="expected the model that was verified"):
        stamp(model, read_model_file(path).spec, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_the_file_is_valid_and_holds_all_of_itself(path: Path) -> None:
    model = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert all(not tensor.external_data for tensor in model.graph.initializer)
    assert {opset.domain for opset in model.opset_import} == {""}


def test_a_plain_onnx_runtime_client_gets_the_same_features(path: Path, photos: Path) -> None:
    """What the spec says is all that a client in another language needs: resize, RGB, run."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    spec = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
    height, width = spec["input"]["size_hw"]
    photo = cv2.imread(str(photos / "coffee.jpg"))
    exact = cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    image = cv2.cvtColor(exact, cv2.COLOR_BGR2RGB)[np.newaxis]
    (features,) = session.run([spec["outputs"][0]["name"]], {spec["input"]["name"]: image})
    with FeatureExtractor(path) as extractor:
        assert np.array_equal(features[0], extractor.extract(exact))
        two = extractor.extract_prepared(np.concatenate([image, image[:, :, ::-1]]))
    assert two.shape == (2, extractor.dim)  # the batch axis is dynamic
    assert np.allclose(two[0], features[0], rtol=1e-5, atol=1e-5)


def test_the_committed_model_with_three_outputs_is_what_its_script_writes(tmp_path: Path) -> None:
    write(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == PLACE.read_bytes()
