"""PCA and unit length as the last nodes of a graph, against scikit-learn and numpy."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper
from sklearn.decomposition import PCA

from edgefeat.errors import OptionError
from edgefeat.model.spec import OutputKind, OutputSpec
from edgefeat_export.cut.reduction import Pca, Reduction, detach, fit, read_projection
from edgefeat_export.errors import ExportError

DIM = 24
OUTPUTS = (OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(DIM,), source_layer="x"),)


def network() -> onnx.ModelProto:
    """The identity, as a graph with the primary output's name."""
    dims: list[str | int] = ["batch", DIM]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["features"])],
        "identity",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, dims)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def run(model: onnx.ModelProto, features: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    (got,) = session.run(["features"], {"image": features})
    return np.asarray(got)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """Positive, correlated, far from zero mean, as pooled activations are."""
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((600, DIM)) * np.geomspace(3, 0.1, DIM) @ rng.random((DIM, DIM))
    return np.abs(mixed + 5).astype(np.float32)


@pytest.mark.parametrize("l2", [False, True], ids=["", "l2"])
@pytest.mark.parametrize("whiten", [False, True], ids=["plain", "whitened"])
def test_the_graph_computes_what_scikit_learn_does(
    whiten: bool, l2: bool, features: np.ndarray
) -> None:
    pca = Pca(components=6, whiten=whiten)
    # All in one batch, incremental PCA is PCA.
    reduction = Reduction(projection=fit(pca, [features]), l2=l2)
    expected = PCA(6, whiten=whiten, svd_solver="full").fit_transform(features.astype(np.float64))
    if l2:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    got = run(reduction.append(network()), features)
    signs = np.sign((got * expected).sum(axis=0))
    error = np.linalg.norm(got * signs - expected) / np.linalg.norm(expected)
    assert error < 1e-4
    assert np.linalg.norm(got - reduction.apply(features)) / np.linalg.norm(got) < 1e-5


def test_the_spec_says_what_was_done(features: np.ndarray) -> None:
    projection = fit(Pca(components=6, whiten=True), [features])
    (output,) = Reduction(projection=projection, l2=True).describe(OUTPUTS)
    assert (output.shape, output.reduced_from, output.l2_normalised) == ((6,), DIM, True)
    assert output.extra["fitted_images"] == 600
    variance = PCA(6).fit(features).explained_variance_ratio_.sum()
    assert output.extra["explained_variance"] == pytest.approx(variance, abs=1e-3)


def test_memory_is_bounded_and_no_row_is_lost(features: np.ndarray) -> None:
    """Rows come a few at a time; the subspace is nearly that of all at once."""
    chunks = [features[start : start + 16] for start in range(0, 600, 16)]
    projection = fit(Pca(components=6), iter(chunks))
    assert projection.fitted is not None
    assert projection.fitted.images == 600
    whole = PCA(6).fit(features.astype(np.float64))
    overlap = np.linalg.svd(whole.components_ @ projection.matrix)[1]
    assert overlap.min() > 0.99


def test_a_zero_vector_stays_zero() -> None:
    model = Reduction(l2=True).append(network())
    got = run(model, np.zeros((1, DIM), np.float32))
    np.testing.assert_array_equal(got, 0)


def test_no_reduction_changes_nothing() -> None:
    model = network()
    assert Reduction().append(model) is model
    assert Reduction().describe(OUTPUTS) == OUTPUTS


def test_a_projection_can_be_read_back(features: np.ndarray) -> None:
    projection = fit(Pca(components=6), [features])
    model = Reduction(projection=projection).append(network())
    found = read_projection(model)
    assert found is not None
    np.testing.assert_array_equal(found.matrix, projection.matrix)
    assert read_projection(network()) is None


@pytest.mark.parametrize("l2", [False, True], ids=["", "l2"])
@pytest.mark.parametrize("pca", [None, Pca(components=6)], ids=["whole", "pca"])
def test_detaching_undoes_appending_to_the_byte(
    pca: Pca | None, l2: bool, features: np.ndarray
) -> None:
    projection = None if pca is None else fit(pca, [features])
    before = network()
    bare, found = detach(Reduction(projection=projection, l2=l2).append(before))
    assert bare.SerializeToString(deterministic=True) == before.SerializeToString(
        deterministic=True
    )
    assert found.l2 is l2
    assert (found.projection is None) is (projection is None)
    if found.projection is not None and projection is not None:
        np.testing.assert_array_equal(found.projection.matrix, projection.matrix)
        np.testing.assert_array_equal(found.projection.mean, projection.mean)


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [(5, DIM, "at least 6 pictures, got 5"), (50, 4, "at least 6 features, got 4")],
)
def test_too_little_to_fit(rows: int, columns: int, message: str) -> None:
    features = np.random.default_rng(0).random((rows, columns), np.float32)
    with pytest.raises(ExportError, match=message):
        fit(Pca(components=6), [features])


def test_a_map_cannot_be_reduced() -> None:
    spatial = OutputSpec(name="features", kind=OutputKind.MAP, shape=(2, 2, 8), source_layer="x")
    with pytest.raises(ExportError, match=r"got a map \(2, 2, 8\)\. Pool the map with pooling"):
        Reduction(l2=True).describe((spatial,))


@pytest.mark.parametrize("text", ["pca", "pca:0", "pca:x", "pca:8,white", "ica:8"])
def test_what_cannot_be_parsed(text: str) -> None:
    with pytest.raises(OptionError, match=r"^reduce: expected pca:K or pca:K,whiten, got"):
        Pca.parse(text)


def test_what_can_be_parsed() -> None:
    assert Pca.parse("pca:128,whiten") == Pca(components=128, whiten=True)
