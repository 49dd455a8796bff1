"""Loads a backbone by name: a headless Keras model, its input scaling, its weights' origin."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgefeat.errors import OptionError
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.catalogue import DEFAULT_BACKBONE, Backbone, find_backbone
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

__all__ = ["LoadedBackbone", "load_backbone"]

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
        model: Has no classification head; ends in the last feature map (N, h, w, channels).
        normalisation: Turns uint8 pixels into the model's input.
        weights: Where the weights come from.
        size_hw: Height and width of the model's input in pixels.
    """

    name: str
    backbone: Backbone
    model: keras.Model
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
        name: A name from `BACKBONES`, or as Keras spells it.
        weights: 'imagenet' (released; Keras downloads its own), 'none' (seeded random numbers), or
            a file: Keras's .h5 or .weights.h5, or EfficientNet-Lite0's .pth.
        size_hw: Height and width in pixels; None takes what the released weights were trained at.
        alpha: Width multiplier, for the families that have one; None is 1.
        minimalistic: Whether to take the variant of MobileNetV3 made of plain layers only.

    Raises:
        BackboneError: No such backbone, or its weights are missing, foreign or damaged.
        OptionError: The backbone has no such size, width or variant.
    """
    backbone = find_backbone(name)
    _check_options(backbone, weights, alpha, minimalistic)
    size_hw = size_hw or backbone.size_hw
    if min(size_hw) < backbone.min_size:
        raise OptionError(
            f"expected height and width of at least {backbone.min_size}, got"
            f" {size_hw[0]}x{size_hw[1]}",
            where=backbone.name,
            remedy="Choose a larger size with {option}.",
            option="size_hw",
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
    """One backbone at one size and width: what the weights have to fit.

    Attributes:
        backbone: The catalogue's entry.
        size_hw: Height and width of the input in pixels.
        alpha: Width multiplier; 1 where the family has none.
        minimalistic: Whether it is the plain variant of MobileNetV3.
    """

    backbone: Backbone
    size_hw: tuple[int, int]
    alpha: float
    minimalistic: bool

    @property
    def name(self) -> str:
        """The catalogue's name with its variant, such as `mobilenet_025`."""
        width = "" if self.alpha == 1 else f"_{self.alpha * 100:03.0f}"
        return f"{self.backbone.name}{width}{'_minimalistic' if self.minimalistic else ''}"

    def build(self, weights: str | None = None) -> keras.Model:
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

    def released(self) -> tuple[keras.Model, WeightsRecord]:
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
                f"expected to download the ImageNet weights, got '{error}'",
                where=self.name,
                remedy="Fetch the file on a machine with network and give it as {option}.",
                option="weights",
            ) from error
        return model, WeightsRecord(
            source="imagenet",
            sha256=tensors_sha256(model),
            licence=self.backbone.licence,
            origin=f"keras.applications.{self.backbone.keras_name}",
        )

    def from_file(self, path: Path) -> tuple[keras.Model, WeightsRecord]:
        """Build with the weights of a file."""
        record = record_of_file(path)
        if self.backbone.keras_name is None and path.suffix == ".pth":
            return self._lite0_from_torch(path), record
        if path.suffix not in _KERAS_SUFFIXES:
            raise BackboneError(
                f"expected a Keras weights file ({' or '.join(_KERAS_SUFFIXES)}) for"
                f" {self.name}, got '{path.suffix}'",
                where=path,
                remedy="Convert the file, or rename it if it is HDF5.",
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
                f"expected the {model.count_params()} weights of {self.name} without its head,"
                f" got {_stored_weights(path)}",
                where=path,
                remedy="Check the backbone's name and alpha, and take a no-top weights file.",
            ) from error
        return model, record

    def _lite0_from_torch(self, path: Path) -> keras.Model:
        tensors = read_torch_pickle(path)
        try:
            return efficientnet_lite0(
                input_shape=(*self.size_hw, 3), include_top=False, weights=tensors
            )
        except BackboneError as error:
            error.within(path)  # it knows the tensors only
            raise


def _stored_weights(path: Path) -> str:
    """Return how many numbers an HDF5 file holds, for a message."""
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
        raise OptionError(
            "it has no minimalistic variant; only MobileNetV3 has one",
            where=backbone.name,
            remedy="Leave {option} out.",
            option="minimalistic",
        )
    if alpha is None:
        return
    if not backbone.alphas:
        raise OptionError(
            f"its width is fixed, got alpha {alpha:g}",
            where=backbone.name,
            remedy="Leave {option} out.",
            option="alpha",
        )
    if not _ALPHA_MIN <= alpha <= _ALPHA_MAX:
        raise OptionError(
            f"expected alpha from {_ALPHA_MIN:g} to {_ALPHA_MAX:g}, got {alpha:g}",
            where=backbone.name,
            remedy="Choose another {option}, or leave it out to get 1.",
            option="alpha",
        )
    released = (1.0,) if minimalistic else backbone.alphas
    if weights == "imagenet" and alpha not in released:
        raise OptionError(
            f"expected alpha {', '.join(f'{one:g}' for one in released)} for ImageNet weights,"
            f" got {alpha:g}",
            where=backbone.name,
            remedy="Choose one of these with {option}, or other weights.",
            option="alpha",
        )
