"""Dimension reduction inside the file: PCA, whitening, unit length, as the last nodes.

PCA is fitted incrementally (Ross et al. 2008, as scikit-learn has it), so memory is bounded by one
batch of features however many pictures there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgefeat.model.spec import PRIMARY_OUTPUT, OutputKind, OutputSpec
from edgefeat_export.errors import ExportError

__all__ = ["Pca", "Projection", "Reduction", "fit", "parse_pca", "read_projection"]

_MEAN, _MATRIX, _FULL, _CENTRED, _PROJECTED = (
    "reduce_mean",
    "reduce_matrix",
    "reduce_full",
    "reduce_centred",
    "reduce_projected",
)
_BATCH: Final = 256
_INSTALL: Final = "pip install 'edgefeat-export[reduce]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pca:
    """What was asked for: how many components, and whether each is scaled to variance 1."""

    components: int
    whiten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A fitted PCA: `(x - mean) @ matrix`, mean float32 (D,), matrix float32 (D, K)."""

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]
    whitened: bool
    explained_variance: float
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What happens to the primary output after the network; both parts may be absent."""

    projection: Projection | None = None
    l2: bool = False

    def describe(self, outputs: tuple[OutputSpec, ...]) -> tuple[OutputSpec, ...]:
        """Return the outputs as the file will have them.

        Raises:
            ExportError: The primary output is a map, which has no length or components.
        """
        first = outputs[0]
        if (self.l2 or self.projection) and first.kind is not OutputKind.VECTOR:
            raise ExportError(
                f"output {first.name!r} is a map {first.shape}; --l2 and --reduce take vectors:"
                " pool it"
            )
        changed = replace(first, l2_normalised=self.l2)
        if self.projection is not None:
            facts = {
                "explained_variance": round(self.projection.explained_variance, 4),
                "whitened": self.projection.whitened,
                "fitted_images": self.projection.images,
            }
            shape = (self.projection.matrix.shape[1],)
            changed = replace(changed, shape=shape, reduced_from=first.shape[0], extra=facts)
        return (changed, *outputs[1:])

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reduce features (N, D) in float64: what the graph's nodes are held against."""
        x = features.astype(np.float64)
        if self.projection is not None:
            x = (x - self.projection.mean) @ self.projection.matrix.astype(np.float64)
        if self.l2:
            norms = np.linalg.norm(x, axis=1, keepdims=True)
            x = x / np.where(norms > 0, norms, 1.0)
        return x.astype(np.float32)

    def append(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Return the model with the reduction behind its primary output."""
        if self.projection is None and not self.l2:
            return model
        result = onnx.ModelProto()
        result.CopyFrom(model)
        graph = result.graph
        for node in graph.node:
            node.input[:] = [_FULL if name == PRIMARY_OUTPUT else name for name in node.input]
            node.output[:] = [_FULL if name == PRIMARY_OUTPUT else name for name in node.output]
        last = _FULL
        if self.projection is not None:
            graph.initializer.append(numpy_helper.from_array(self.projection.mean, _MEAN))
            graph.initializer.append(numpy_helper.from_array(self.projection.matrix, _MATRIX))
            graph.node.append(_node("Sub", [last, _MEAN], _CENTRED))
            last = _PROJECTED if self.l2 else PRIMARY_OUTPUT
            graph.node.append(_node("MatMul", [_CENTRED, _MATRIX], last))
            width = graph.output[0].type.tensor_type.shape.dim[1]
            width.dim_value = self.projection.matrix.shape[1]
        if self.l2:
            graph.node.append(_node("LpNormalization", [last], PRIMARY_OUTPUT, axis=1, p=2))
        return result


def parse_pca(text: str) -> Pca:
    """Read `pca:K` or `pca:K,whiten`.

    Raises:
        ValueError: Neither.
    """
    kind, _, rest = text.partition(":")
    count, _, option = rest.partition(",")
    if kind != "pca" or not count.isdecimal() or int(count) < 1 or option not in ("", "whiten"):
        raise ValueError(f"expected pca:K or pca:K,whiten, got {text!r}")
    return Pca(components=int(count), whiten=option == "whiten")


def fit(pca: Pca, chunks: Iterable[NDArray[np.float32]]) -> Projection:
    """Fit a PCA to features that come a few rows at a time.

    Args:
        pca: What was asked for.
        chunks: float32 (n, D) each.

    Raises:
        ExportError: scikit-learn is missing, or there are fewer pictures or features than
            components.
    """
    try:
        from sklearn.decomposition import IncrementalPCA
    except ImportError as error:
        raise ExportError(f"--reduce needs scikit-learn: {_INSTALL}") from error
    model = IncrementalPCA(n_components=pca.components, whiten=pca.whiten)
    for batch in _batches(chunks, max(_BATCH, pca.components)):
        _check_enough(pca, batch)
        model.partial_fit(batch.astype(np.float64))
    scale = 1 / np.sqrt(model.explained_variance_) if pca.whiten else 1.0
    return Projection(
        mean=model.mean_.astype(np.float32),
        matrix=np.ascontiguousarray((model.components_.T * scale).astype(np.float32)),
        whitened=pca.whiten,
        explained_variance=float(model.explained_variance_ratio_.sum()),
        images=int(model.n_samples_seen_),
    )


def read_projection(model: onnx.ModelProto) -> Projection | None:
    """Read back from a file what `Reduction.append` put in; None where there is none."""
    tensors = {tensor.name.removesuffix("_half"): tensor for tensor in model.graph.initializer}
    if _MEAN not in tensors or _MATRIX not in tensors:
        return None
    mean = numpy_helper.to_array(tensors[_MEAN]).astype(np.float32)
    matrix = numpy_helper.to_array(tensors[_MATRIX]).astype(np.float32)
    return Projection(mean=mean, matrix=matrix, whitened=False, explained_variance=0.0, images=0)


def _batches(chunks: Iterable[NDArray[np.float32]], size: int) -> Iterable[NDArray[np.float32]]:
    """Batches of at least `size` rows (fewer if there are no more), none left over."""
    held: list[NDArray[np.float32]] = []
    ready: NDArray[np.float32] | None = None
    for chunk in chunks:
        held.append(chunk)
        if sum(map(len, held)) >= size:
            if ready is not None:
                yield ready
            ready, held = np.concatenate(held), []
    rest = [part for part in (ready, *held) if part is not None]
    if rest:
        yield np.concatenate(rest)


def _check_enough(pca: Pca, batch: NDArray[np.float32]) -> None:
    for what, count in (("pictures", len(batch)), ("features", batch.shape[1])):
        if count < pca.components:
            raise ExportError(
                f"--reduce pca:{pca.components} needs at least {pca.components} {what}, got"
                f" {count}; ask for fewer components, or give more pictures"
            )


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, [output], name=output, **attributes)
