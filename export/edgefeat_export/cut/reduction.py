"""Reduces features inside the file: PCA, whitening and unit length are the last nodes.

PCA is fitted incrementally (Ross et al. 2008, by scikit-learn): memory holds one batch of features,
however many pictures there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgefeat.errors import DependencyError, OptionError
from edgefeat.model.spec import PRIMARY_OUTPUT, OutputKind, OutputSpec
from edgefeat_export.errors import ExportError

__all__ = ["Pca", "PcaFit", "Projection", "Reduction", "detach", "fit", "read_projection"]

# Names in the graph: the constants, and what each step of the reduction starts from or gives.
_MEAN: Final = "reduce_mean"
_MATRIX: Final = "reduce_matrix"
_FULL: Final = "reduce_full"
_CENTRED: Final = "reduce_centred"
_PROJECTED: Final = "reduce_projected"
_BATCH: Final = 256  # rows given to the incremental fit at once
_INSTALL: Final = "pip install 'edgefeat-export[reduce]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pca:
    """The PCA that was asked for.

    Attributes:
        components: How many numbers the reduced vector has.
        whiten: Whether each component is scaled to variance 1.
    """

    components: int
    whiten: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `pca:K` or `pca:K,whiten`.

        Raises:
            OptionError: It is neither.
        """
        kind, _, rest = text.partition(":")
        count, _, option = rest.partition(",")
        known = kind == "pca" and count.isdecimal() and option in ("", "whiten")
        if not known or int(count) < 1:
            raise OptionError(f"expected pca:K or pca:K,whiten, got {text!r}", option="reduce")
        return cls(components=int(count), whiten=option == "whiten")


@dataclass(frozen=True, slots=True, kw_only=True)
class PcaFit:
    """What is known of a PCA that was just fitted; the spec of the model file keeps it.

    Attributes:
        whitened: Whether each component was scaled to variance 1.
        explained_variance: Share of the pictures' variance that the components keep, 0 to 1.
        images: How many pictures it was fitted to.
    """

    whitened: bool
    explained_variance: float
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A linear map of features to fewer numbers: `(x - mean) @ matrix`.

    Attributes:
        mean: Mean of the features, float32 (D,).
        matrix: Components as columns, float32 (D, K).
        fitted: How it was fitted; None if it was read back from a graph.
    """

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]
    fitted: PcaFit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What happens to the primary output after the network.

    Attributes:
        projection: The PCA; None if there is none.
        l2: Whether vectors are scaled to unit length, last of all.
    """

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
                f"expected a vector to reduce or to scale, got a map {first.shape}",
                where=f"output {first.name!r}",
                remedy="Pool the map with {option}, or leave the reduction and unit length out.",
                option="pooling",
            )
        changed = replace(first, l2_normalised=self.l2)
        if self.projection is not None:
            shape = (self.projection.matrix.shape[1],)
            changed = replace(changed, shape=shape, reduced_from=first.shape[0])
            if (fitted := self.projection.fitted) is not None:
                facts = {
                    "explained_variance": round(fitted.explained_variance, 4),
                    "whitened": fitted.whitened,
                    "fitted_images": fitted.images,
                }
                changed = replace(changed, extra=facts)
        return (changed, *outputs[1:])

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features (N, D) reduced in float64, to compare what the graph's nodes give."""
        x = features.astype(np.float64)
        if self.projection is not None:
            x = (x - self.projection.mean) @ self.projection.matrix.astype(np.float64)
        if self.l2:
            norms = np.linalg.norm(x, axis=1, keepdims=True)
            x = x / np.where(norms > 0, norms, 1.0)
        return x.astype(np.float32)

    def append(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Return the model with the reduction behind its primary output; `detach` undoes it."""
        if self.projection is None and not self.l2:
            return model
        result = _with_renamed_tensor(model, PRIMARY_OUTPUT, _FULL)
        graph, last = result.graph, _FULL
        if self.projection is not None:
            graph.initializer.append(numpy_helper.from_array(self.projection.mean, _MEAN))
            graph.initializer.append(numpy_helper.from_array(self.projection.matrix, _MATRIX))
            graph.node.append(_node("Sub", [last, _MEAN], _CENTRED))
            last = _PROJECTED if self.l2 else PRIMARY_OUTPUT
            graph.node.append(_node("MatMul", [_CENTRED, _MATRIX], last))
            _set_width(graph, self.projection.matrix.shape[1])
        if self.l2:
            graph.node.append(_node("LpNormalization", [last], PRIMARY_OUTPUT, axis=1, p=2))
        return result


def detach(model: onnx.ModelProto) -> tuple[onnx.ModelProto, Reduction]:
    """Take the reduction off a float32 model that `Reduction.append` made.

    The reduction must stay in float32 when the network before it becomes int8.

    Returns:
        The model without it, and the reduction.
    """
    if not any(_FULL in node.output for node in model.graph.node):
        return model, Reduction()
    projection = read_projection(model)
    added = (_CENTRED, _PROJECTED, PRIMARY_OUTPUT)  # `append` names its nodes after their outputs
    network = [node for node in model.graph.node if node.name not in added]
    last = next(node for node in model.graph.node if PRIMARY_OUTPUT in node.output)
    weights = [w for w in model.graph.initializer if w.name not in (_MEAN, _MATRIX)]
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.node[:], bare.graph.initializer[:]
    bare.graph.node.extend(network)
    bare.graph.initializer.extend(weights)
    if projection is not None:
        _set_width(bare.graph, len(projection.mean))
    reduction = Reduction(projection=projection, l2=last.op_type == "LpNormalization")
    return _with_renamed_tensor(bare, _FULL, PRIMARY_OUTPUT), reduction


def fit(pca: Pca, chunks: Iterable[NDArray[np.float32]], *, what: str = "pictures") -> Projection:
    """Fit a PCA to features that come a few rows at a time.

    Args:
        pca: What was asked for.
        chunks: Features of some pictures each, float32 (n, D).
        what: What the features are of.

    Raises:
        DependencyError: scikit-learn is missing.
        ExportError: There are fewer pictures or features than components.
    """
    try:
        from sklearn.decomposition import IncrementalPCA
    except ImportError as error:
        raise DependencyError(
            "fitting a PCA needs scikit-learn, which is not installed", remedy=f"Run `{_INSTALL}`."
        ) from error
    model = IncrementalPCA(n_components=pca.components, whiten=pca.whiten)
    for batch in _batches(chunks, max(_BATCH, pca.components)):
        _check_enough(pca, batch, what)
        model.partial_fit(batch.astype(np.float64))
    scale = 1 / np.sqrt(model.explained_variance_) if pca.whiten else 1.0
    return Projection(
        mean=model.mean_.astype(np.float32),
        matrix=np.ascontiguousarray((model.components_.T * scale).astype(np.float32)),
        fitted=PcaFit(
            whitened=pca.whiten,
            explained_variance=float(model.explained_variance_ratio_.sum()),
            images=int(model.n_samples_seen_),
        ),
    )


def read_projection(model: onnx.ModelProto) -> Projection | None:
    """Return the projection that `Reduction.append` put into a graph; None if there is none."""
    tensors = {tensor.name.removesuffix("_half"): tensor for tensor in model.graph.initializer}
    if _MEAN not in tensors or _MATRIX not in tensors:
        return None
    mean = numpy_helper.to_array(tensors[_MEAN]).astype(np.float32)
    matrix = numpy_helper.to_array(tensors[_MATRIX]).astype(np.float32)
    return Projection(mean=mean, matrix=matrix)


def _batches(chunks: Iterable[NDArray[np.float32]], size: int) -> Iterator[NDArray[np.float32]]:
    """Yield batches of at least `size` rows, or all rows if there are fewer; none is left over."""
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


def _check_enough(pca: Pca, batch: NDArray[np.float32], of: str) -> None:
    for what, count in ((of, len(batch)), ("features", batch.shape[1])):
        if count < pca.components:
            raise ExportError(
                f"a PCA of {pca.components} components needs at least {pca.components} {what},"
                f" got {count}",
                remedy=f"Ask for fewer components with {{option}}, or give more {of}.",
                option="reduce",
            )


def _with_renamed_tensor(model: onnx.ModelProto, old: str, new: str) -> onnx.ModelProto:
    renamed = onnx.ModelProto()
    renamed.CopyFrom(model)
    for node in renamed.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    return renamed


def _set_width(graph: onnx.GraphProto, width: int) -> None:
    """Declare how many numbers the primary output has."""
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = width


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, [output], name=output, **attributes)
