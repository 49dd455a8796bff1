"""Loads a backbone by name: a headless Keras model, its input scaling, its weights' origin."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.catalogue import BACKBONES, Backbone, find_backbone
from edgefeat_export.networks.input_layers import without_input_layers
from edgefeat_export.networks.lite import efficientnet_lite0
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.networks.torch_pickle import read_torch_pickle
from edgefeat_export.networks.weights import (
    lite0_file,
    randomise,
    record_of_file,
    tensors_sha256,
)
from edgefeat_export.saved.weights_record import WeightsRecord

if TYPE_CHECKING:
    import keras

__all__ = [
    "BACKBONES",
    "DEFAULT_BACKBONE",
    "Backbone",
    "LoadedBackbone",
    "find_backbone",
    "load_backbone",
]

DEFAULT_BACKBONE: Final = "efficientnet_lite0"
_SEED: Final = 0
_OPTIONAL_SCALING: Final = ("MobileNetV3", "EfficientNetV2", "ConvNeXt")
_ALPHA_MIN: Final = 0.05  # narrower ones round to layers without channels
_ALPHA_MAX: Final = 4.0
_KERAS_SUFFIXES: Final = (".h5", ".hdf5")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBackbone:
    """A backbone ready to be cut, converted and compared.

    Attributes:
        name: The catalogue's name with its variant: `mobilenet`, `mobilenet_025`,
            `mobilenet_v3_small_minimalistic`.
        backbone: The catalogue's entry.
        model: Without classification head; ends in the last feature map (N, h, w, channels).
        normalisation: From uint8 pixels to the model's input.
        weights: Where they come from.
        size_hw: Height and width of the model's input.
    """

    name: str
    backbone: Backbone
    model: "keras.Model"
    normalisation: Normalisation
    weights: WeightsRecord
    size_hw: tuple[int, int]


def load_backbone(
    name: str = DEFAULT_BACKBONE,
    *,
    weights: str | Path = "imagenet",
    size_hw: tuple[int, int] | None = None,
    alpha: float | None = None,
    minimalistic: bool = False,
) -> LoadedBackbone:
    """Build a backbone without its head and give it weights.

    Args:
        name: From `BACKBONES`, or as Keras spells it.
        weights: 'imagenet' (released; Keras downloads its own), 'none' (seeded random numbers), or
            a file: Keras's .h5 or .weights.h5, or EfficientNet-Lite0's .pth.
        size_hw: Height and width; default is what the released weights were trained at.
        alpha: Width multiplier, for the families that have one; default 1.
        minimalistic: The variant of MobileNetV3 made of plain layers only.

    Raises:
        BackboneError: No such backbone, option or size; weights missing, foreign or damaged.
    """
    backbone = find_backbone(name)
    _check_options(backbone, weights, alpha, minimalistic)
    size_hw = size_hw or backbone.size_hw
    if min(size_hw) < backbone.min_size:
        raise BackboneError(
            f"{backbone.name}: expected height and width of at least {backbone.min_size}, got"
            f" {size_hw[0]}x{size_hw[1]}; choose a larger size"
        )
    variant = _Variant(backbone, size_hw, 1.0 if alpha is None else alpha, minimalistic)
    if weights == "imagenet":
        model, record = variant.released()
    elif weights == "none":
        model, record = variant.build(), None
    else:
        model, record = variant.from_file(Path(weights))
    normalisation = backbone.normalisation
    if backbone.family == "EfficientNet":
        model, normalisation = without_input_layers(model)
    if record is None:
        randomise(model, _SEED, normalisation=normalisation)
        record = WeightsRecord(
            source="none", sha256=None, licence="none", origin=f"random numbers, seed {_SEED}"
        )
    return LoadedBackbone(
        name=variant.name,
        backbone=backbone,
        model=model,
        normalisation=normalisation,
        weights=record,
        size_hw=size_hw,
    )


@dataclass(frozen=True, slots=True)
class _Variant:
    """One backbone at one size and width: what the weights have to fit."""

    backbone: Backbone
    size_hw: tuple[int, int]
    alpha: float
    minimalistic: bool

    @property
    def name(self) -> str:
        width = "" if self.alpha == 1 else f"_{self.alpha * 100:03.0f}"
        return f"{self.backbone.name}{width}{'_minimalistic' if self.minimalistic else ''}"

    def build(self, weights: str | None = None) -> "keras.Model":
        """Build with Keras's initial values, or with Keras's own download for 'imagenet'."""
        if self.backbone.keras_name is None:
            return efficientnet_lite0(input_shape=(*self.size_hw, 3), include_top=False)
        import keras

        options: dict[str, Any] = {"input_shape": (*self.size_hw, 3)}
        if self.backbone.alphas:
            options["alpha"] = self.alpha
        if self.backbone.minimalistic:
            options["minimalistic"] = self.minimalistic
        if self.backbone.family in _OPTIONAL_SCALING:
            options["include_preprocessing"] = False
        constructor = getattr(keras.applications, self.backbone.keras_name)
        model: keras.Model = constructor(include_top=False, weights=weights, **options)
        return model

    def released(self) -> "tuple[keras.Model, WeightsRecord]":
        """Build with the released ImageNet weights."""
        if self.backbone.keras_name is None:
            path = lite0_file()
            model, record = self.from_file(path)
            return model, replace(record, source="imagenet")
        try:
            model = self.build("imagenet")
        except Exception as error:
            # Keras turns a failed download into a bare Exception; the real one is its context.
            if not isinstance(error, OSError) and not isinstance(error.__context__, OSError):
                raise
            raise BackboneError(
                f"{self.name}: expected to download the ImageNet weights, got '{error}';"
                " fetch the file on a machine with network and pass --weights FILE"
            ) from error
        return model, WeightsRecord(
            source="imagenet",
            sha256=tensors_sha256(model),
            licence=self.backbone.licence,
            origin=f"keras.applications.{self.backbone.keras_name}",
        )

    def from_file(self, path: Path) -> "tuple[keras.Model, WeightsRecord]":
        """Build with the weights of a file."""
        record = record_of_file(path)
        if self.backbone.keras_name is None and path.suffix == ".pth":
            return self._lite0_from_torch(path), record
        if path.suffix not in _KERAS_SUFFIXES:
            raise BackboneError(
                f"{path}: expected a Keras weights file ({' or '.join(_KERAS_SUFFIXES)}) for"
                f" {self.name}, got '{path.suffix}'; convert it, or rename it if it is HDF5"
            )
        model = self.build()
        try:
            with warnings.catch_warnings():
                # Keras only warns when a .weights.h5 lacks some layers, which then stay random.
                warnings.simplefilter("error", UserWarning)
                model.load_weights(path)
        except (ValueError, KeyError, OSError, UserWarning) as error:
            # Keras names the first layer that differs; the totals tell which model it is from.
            raise BackboneError(
                f"{path}: expected the {model.count_params()} weights of {self.name} without its"
                f" head, got {_stored_weights(path)}; check the backbone's name and alpha, and take"
                " a no-top weights file"
            ) from error
        return model, record

    def _lite0_from_torch(self, path: Path) -> "keras.Model":
        tensors = read_torch_pickle(path)
        try:
            return efficientnet_lite0(
                input_shape=(*self.size_hw, 3), include_top=False, weights=tensors
            )
        except BackboneError as error:
            raise BackboneError(f"{path}: {error}") from error  # which knows only the tensors


def _stored_weights(path: Path) -> str:
    """Count the numbers in an HDF5 file, for a message."""
    import h5py

    total = 0

    def count(name: str, item: Any) -> None:
        nonlocal total
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            total += item.size

    try:
        with h5py.File(path, "r") as file:
            file.visititems(count)
    except OSError:
        return "a file that is not HDF5"
    return str(total)


def _check_options(
    backbone: Backbone, weights: str | Path, alpha: float | None, minimalistic: bool
) -> None:
    if minimalistic and not backbone.minimalistic:
        raise BackboneError(
            f"{backbone.name}: expected no minimalistic variant, got minimalistic; only MobileNetV3"
            " has one: leave the option out"
        )
    if alpha is None:
        return
    if not backbone.alphas:
        raise BackboneError(
            f"{backbone.name}: expected no alpha, got {alpha}; its width is fixed: leave alpha out"
        )
    if not _ALPHA_MIN <= alpha <= _ALPHA_MAX:
        raise BackboneError(
            f"{backbone.name}: expected alpha from {_ALPHA_MIN} to {_ALPHA_MAX}, got {alpha};"
            " 1 is the default"
        )
    released = (1.0,) if minimalistic else backbone.alphas
    if weights == "imagenet" and alpha not in released:
        raise BackboneError(
            f"{backbone.name}: expected alpha {', '.join(map(str, released))} for ImageNet weights,"
            f" got {alpha}; choose one of these, or other weights"
        )
