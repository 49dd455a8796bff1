"""EfficientNet-Lite0 as a Keras model, with the ImageNet weights of its PyTorch release.

It is EfficientNet-B0 without squeeze-and-excitation and with ReLU6 instead of swish, because small
devices compute both slowly (Tan and Le 2019, and the Lite variant in tensorflow/tpu). The PyTorch
release is a port of the TensorFlow checkpoint. So convolutions pad as TensorFlow's "same" does,
with more at the bottom and right: with even padding the classifier is less sure on real photos.
Batch normalisation uses TensorFlow's epsilon. Dropout does nothing at inference and is left out.
Layers are named as in Keras's EfficientNet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.errors import BackboneError

if TYPE_CHECKING:
    import keras

__all__ = ["efficientnet_lite0"]

_BN_EPSILON: Final = 1e-3
_STEM_FILTERS: Final = 32
_TOP_FILTERS: Final = 1280
_FOREIGN: Final = "These are not EfficientNet-Lite0's weights: give those of its release."


@dataclass(frozen=True, slots=True)
class _Stage:
    """A run of equal inverted-bottleneck blocks; the first one strides and changes the width.

    Attributes:
        repeats: How many blocks there are.
        kernel: Side of the depthwise kernel in pixels.
        stride: Stride of the first block; the others have 1.
        expansion: How many times wider the inside of a block is than its input.
        filters: How many channels each block gives.
    """

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES: Final = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)

# Tensors of a batch normalisation in Keras's order, by PyTorch's names.
_NORM_TENSORS: Final = ("weight", "bias", "running_mean", "running_var")


def efficientnet_lite0(
    *,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    include_top: bool = True,
    classes: int = 1000,
    weights: Mapping[str, NDArray[Any]] | None = None,
) -> keras.Model:
    """Build EfficientNet-Lite0 for inputs scaled as (pixel - 127) / 128, RGB.

    Args:
        input_shape: Height and width in pixels, and channels.
        include_top: Whether to end in the classifier (`predictions`, softmax) rather than in the
            last feature map (`top_activation`, 1280 channels).
        classes: How many classes the classifier has, if there is one.
        weights: The PyTorch state_dict (see `torch_pickle`); None keeps Keras's initial values.

    Raises:
        BackboneError: A tensor is missing, left over, of the wrong shape or not finite.
    """
    import keras

    inputs = keras.Input(input_shape, name="input")
    x = _conv(inputs, _STEM_FILTERS, 3, 2, name="stem_conv")
    x = _norm(x, "stem_bn", "stem_activation")
    for name, filters_in, stage, stride in _blocks():
        x = _block(x, name, filters_in, stage, stride)
    x = _norm(_conv(x, _TOP_FILTERS, 1, 1, name="top_conv"), "top_bn", "top_activation")
    if include_top:
        x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = keras.layers.Dense(classes, activation="softmax", name="predictions")(x)
    model = keras.Model(inputs, x, name="efficientnet_lite0")
    if weights is not None:
        _assign(model, weights, include_top=include_top)
    return model


def _blocks() -> Iterator[tuple[str, int, _Stage, int]]:
    """Yield name, input channels, stage and stride of every block, first to last."""
    filters_in = _STEM_FILTERS
    for number, stage in enumerate(_STAGES, start=1):
        for repeat in range(stage.repeats):
            yield f"block{number}{'abcd'[repeat]}", filters_in, stage, 1 if repeat else stage.stride
            filters_in = stage.filters


def _block(x: Any, name: str, filters_in: int, stage: _Stage, stride: int) -> Any:
    import keras

    shortcut = x
    if stage.expansion > 1:
        x = _conv(x, filters_in * stage.expansion, 1, 1, name=f"{name}_expand_conv")
        x = _norm(x, f"{name}_expand_bn", f"{name}_expand_activation")
    depthwise = keras.layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_dwconv"
    )
    x = _norm(depthwise(x), f"{name}_bn", f"{name}_activation")
    x = _norm(_conv(x, stage.filters, 1, 1, name=f"{name}_project_conv"), f"{name}_project_bn")
    if stride == 1 and filters_in == stage.filters:
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _conv(x: Any, filters: int, kernel: int, stride: int, *, name: str) -> Any:
    import keras

    return keras.layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, name=name
    )(x)


def _norm(x: Any, name: str, activation: str | None = None) -> Any:
    import keras

    x = keras.layers.BatchNormalization(epsilon=_BN_EPSILON, name=name)(x)
    return x if activation is None else keras.layers.ReLU(6.0, name=activation)(x)


def _sources(include_top: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each Keras layer with weights, and its tensors' names in the PyTorch release."""

    def norm(layer: str, torch_name: str) -> tuple[str, tuple[str, ...]]:
        return layer, tuple(f"{torch_name}.{part}" for part in _NORM_TENSORS)

    yield "stem_conv", ("_conv_stem.weight",)
    yield norm("stem_bn", "_bn0")
    for index, (name, _, stage, _) in enumerate(_blocks()):
        torch_block = f"_blocks.{index}"
        if stage.expansion > 1:
            yield f"{name}_expand_conv", (f"{torch_block}._expand_conv.weight",)
            yield norm(f"{name}_expand_bn", f"{torch_block}._bn0")
        yield f"{name}_dwconv", (f"{torch_block}._depthwise_conv.weight",)
        yield norm(f"{name}_bn", f"{torch_block}._bn1")
        yield f"{name}_project_conv", (f"{torch_block}._project_conv.weight",)
        yield norm(f"{name}_project_bn", f"{torch_block}._bn2")
    yield "top_conv", ("_conv_head.weight",)
    yield norm("top_bn", "_bn1")
    if include_top:
        yield "predictions", ("_fc.weight", "_fc.bias")


def _assign(model: keras.Model, weights: Mapping[str, NDArray[Any]], *, include_top: bool) -> None:
    used = {"_fc.weight", "_fc.bias"}  # a model without a classifier has no use for them
    for layer_name, tensor_names in _sources(include_top):
        layer = model.get_layer(layer_name)
        values = [_transposed(layer_name, name, weights) for name in tensor_names]
        for name, value, variable in zip(tensor_names, values, layer.weights, strict=True):
            if value.shape != tuple(variable.shape):
                raise BackboneError(
                    f"expected shape {tuple(variable.shape)} in Keras's axis order for layer"
                    f" {layer_name}, got {value.shape}",
                    where=name,
                    remedy=_FOREIGN,
                )
        layer.set_weights(values)
        used.update(tensor_names)
    # Counters of training steps mean nothing at inference.
    left = [name for name in weights if name not in used and "num_batches_tracked" not in name]
    if left:
        raise BackboneError(
            f"expected EfficientNet-Lite0's tensors only, got {len(left)} others, the first"
            f" {left[0]}",
            remedy=_FOREIGN,
        )


def _transposed(layer: str, name: str, weights: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return a tensor in Keras's axis order: PyTorch has outputs first, Keras has them last."""
    if name not in weights:
        raise BackboneError(
            f"expected a tensor for layer {layer}, got none among {len(weights)}",
            where=name,
            remedy=_FOREIGN,
        )
    value = np.asarray(weights[name], np.float32)
    if not np.isfinite(value).all():
        raise BackboneError(
            f"expected finite values for layer {layer}, got NaN or infinity",
            where=name,
            remedy="The file is damaged: fetch it again.",
        )
    if value.ndim == 4:
        # (out, in, h, w) to (h, w, in, out); depthwise (channels, 1, h, w) to (h, w, channels, 1).
        return value.transpose((2, 3, 0, 1) if layer.endswith("_dwconv") else (2, 3, 1, 0))
    return value.T
