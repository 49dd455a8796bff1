"""The backbones there are: all of `keras.applications`, and EfficientNet-Lite0."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.arithmetic import MACS
from edgefeat_export.networks.normalisation import CAFFE, LITE, TF, TF_128, TORCH, Normalisation

__all__ = ["BACKBONES", "DEFAULT_BACKBONE", "Backbone", "find_backbone"]

DEFAULT_BACKBONE: Final = "efficientnet_lite0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One architecture, and what is known about it before it is built.

    Attributes:
        name: Our name, in lower case with underscores.
        keras_name: Name of the constructor in `keras.applications`; None for EfficientNet-Lite0.
        family: Name of the paper's family; its members share input scaling, licence and options.
        size_hw: Height and width in pixels that the released weights were trained at.
        feature_dim: How many channels the last feature map has, at alpha 1.
        parameters: How many parameters it has without its classification head, at alpha 1, batch
            statistics included.
        macs: How many multiply-accumulates one picture takes, without the head, at `size_hw` and
            alpha 1.
        normalisation: Turns uint8 pixels into the model's input.
        licence: SPDX identifier of the released ImageNet weights.
        alphas: Width multipliers that have released weights; empty where the width is fixed.
        minimalistic: Whether there is a variant without squeeze-and-excitation and hard swish.
        min_size: Smallest height and width in pixels that Keras builds.
    """

    name: str
    keras_name: str | None
    family: str
    size_hw: tuple[int, int]
    feature_dim: int
    parameters: int
    macs: int
    normalisation: Normalisation
    licence: str
    alphas: tuple[float, ...]
    minimalistic: bool
    min_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """What the backbones of one family have in common; see `Backbone` for the fields."""

    name: str
    normalisation: Normalisation
    licence: str
    alphas: tuple[float, ...] = ()
    minimalistic: bool = False
    min_size: int = 32


def _backbone(
    family: _Family,
    name: str,
    keras_name: str | None,
    size: int,
    feature_dim: int,
    parameters: int,
) -> Backbone:
    return Backbone(
        name=name,
        keras_name=keras_name,
        family=family.name,
        size_hw=(size, size),
        feature_dim=feature_dim,
        parameters=parameters,
        macs=MACS[name],
        normalisation=family.normalisation,
        licence=family.licence,
        alphas=family.alphas,
        minimalistic=family.minimalistic,
        min_size=family.min_size,
    )


# Licences are those of the released weights, as the Keras documentation and the releases name them.
_LITE = _Family(name="EfficientNetLite", normalisation=LITE, licence="Apache-2.0")
_MOBILENET = _Family(
    name="MobileNet", normalisation=TF, licence="Apache-2.0", alphas=(0.25, 0.5, 0.75, 1.0)
)
_MOBILENET_V2 = _Family(
    name="MobileNetV2",
    normalisation=TF,
    licence="Apache-2.0",
    alphas=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
)
_MOBILENET_V3 = _Family(
    name="MobileNetV3",
    normalisation=TF,
    licence="Apache-2.0",
    alphas=(0.75, 1.0),
    minimalistic=True,
)
_EFFICIENTNET = _Family(name="EfficientNet", normalisation=TORCH, licence="Apache-2.0")
# One paper, two scalings: B0 to B3 keep EfficientNet's, S to L use -1..1.
_EFFICIENTNET_V2_B = _Family(name="EfficientNetV2", normalisation=TORCH, licence="Apache-2.0")
_EFFICIENTNET_V2 = _Family(name="EfficientNetV2", normalisation=TF_128, licence="Apache-2.0")
_NASNET = _Family(name="NASNet", normalisation=TF, licence="Apache-2.0")
_RESNET = _Family(name="ResNet", normalisation=CAFFE, licence="MIT")
_RESNET_V2 = _Family(name="ResNetV2", normalisation=TF, licence="BSD-3-Clause")
_DENSENET = _Family(name="DenseNet", normalisation=TORCH, licence="BSD-3-Clause")
_INCEPTION_V3 = _Family(name="InceptionV3", normalisation=TF, licence="Apache-2.0", min_size=75)
_INCEPTION_RESNET_V2 = _Family(
    name="InceptionResNetV2", normalisation=TF, licence="Apache-2.0", min_size=75
)
_XCEPTION = _Family(name="Xception", normalisation=TF, licence="MIT", min_size=71)
_VGG = _Family(name="VGG", normalisation=CAFFE, licence="CC-BY-4.0")
_CONVNEXT = _Family(name="ConvNeXt", normalisation=TORCH, licence="MIT")

_ALL: Final = (
    # family, name, Keras's name, size, features, parameters
    _backbone(_LITE, "efficientnet_lite0", None, 224, 1280, 3_413_024),
    _backbone(_MOBILENET, "mobilenet", "MobileNet", 224, 1024, 3_228_864),
    _backbone(_MOBILENET_V2, "mobilenet_v2", "MobileNetV2", 224, 1280, 2_257_984),
    _backbone(_MOBILENET_V3, "mobilenet_v3_small", "MobileNetV3Small", 224, 576, 939_120),
    _backbone(_MOBILENET_V3, "mobilenet_v3_large", "MobileNetV3Large", 224, 960, 2_996_352),
    _backbone(_EFFICIENTNET, "efficientnet_b0", "EfficientNetB0", 224, 1280, 4_049_564),
    _backbone(_EFFICIENTNET, "efficientnet_b1", "EfficientNetB1", 240, 1280, 6_575_232),
    _backbone(_EFFICIENTNET, "efficientnet_b2", "EfficientNetB2", 260, 1408, 7_768_562),
    _backbone(_EFFICIENTNET, "efficientnet_b3", "EfficientNetB3", 300, 1536, 10_783_528),
    _backbone(_EFFICIENTNET, "efficientnet_b4", "EfficientNetB4", 380, 1792, 17_673_816),
    _backbone(_EFFICIENTNET, "efficientnet_b5", "EfficientNetB5", 456, 2048, 28_513_520),
    _backbone(_EFFICIENTNET, "efficientnet_b6", "EfficientNetB6", 528, 2304, 40_960_136),
    _backbone(_EFFICIENTNET, "efficientnet_b7", "EfficientNetB7", 600, 2560, 64_097_680),
    _backbone(_EFFICIENTNET_V2_B, "efficientnet_v2_b0", "EfficientNetV2B0", 224, 1280, 5_919_312),
    _backbone(_EFFICIENTNET_V2_B, "efficientnet_v2_b1", "EfficientNetV2B1", 240, 1280, 6_931_124),
    _backbone(_EFFICIENTNET_V2_B, "efficientnet_v2_b2", "EfficientNetV2B2", 260, 1408, 8_769_374),
    _backbone(_EFFICIENTNET_V2_B, "efficientnet_v2_b3", "EfficientNetV2B3", 300, 1536, 12_930_622),
    _backbone(_EFFICIENTNET_V2, "efficientnet_v2_s", "EfficientNetV2S", 384, 1280, 20_331_360),
    _backbone(_EFFICIENTNET_V2, "efficientnet_v2_m", "EfficientNetV2M", 480, 1280, 53_150_388),
    _backbone(_EFFICIENTNET_V2, "efficientnet_v2_l", "EfficientNetV2L", 480, 1280, 117_746_848),
    _backbone(_NASNET, "nasnet_mobile", "NASNetMobile", 224, 1056, 4_269_716),
    _backbone(_NASNET, "nasnet_large", "NASNetLarge", 331, 4032, 84_916_818),
    _backbone(_RESNET, "resnet50", "ResNet50", 224, 2048, 23_587_712),
    _backbone(_RESNET, "resnet101", "ResNet101", 224, 2048, 42_658_176),
    _backbone(_RESNET, "resnet152", "ResNet152", 224, 2048, 58_370_944),
    _backbone(_RESNET_V2, "resnet50_v2", "ResNet50V2", 224, 2048, 23_564_800),
    _backbone(_RESNET_V2, "resnet101_v2", "ResNet101V2", 224, 2048, 42_626_560),
    _backbone(_RESNET_V2, "resnet152_v2", "ResNet152V2", 224, 2048, 58_331_648),
    _backbone(_DENSENET, "densenet121", "DenseNet121", 224, 1024, 7_037_504),
    _backbone(_DENSENET, "densenet169", "DenseNet169", 224, 1664, 12_642_880),
    _backbone(_DENSENET, "densenet201", "DenseNet201", 224, 1920, 18_321_984),
    _backbone(_INCEPTION_V3, "inception_v3", "InceptionV3", 299, 2048, 21_802_784),
    _backbone(
        _INCEPTION_RESNET_V2, "inception_resnet_v2", "InceptionResNetV2", 299, 1536, 54_336_736
    ),
    _backbone(_XCEPTION, "xception", "Xception", 299, 2048, 20_861_480),
    _backbone(_VGG, "vgg16", "VGG16", 224, 512, 14_714_688),
    _backbone(_VGG, "vgg19", "VGG19", 224, 512, 20_024_384),
    _backbone(_CONVNEXT, "convnext_tiny", "ConvNeXtTiny", 224, 768, 27_820_128),
    _backbone(_CONVNEXT, "convnext_small", "ConvNeXtSmall", 224, 768, 49_454_688),
    _backbone(_CONVNEXT, "convnext_base", "ConvNeXtBase", 224, 1024, 87_566_464),
    _backbone(_CONVNEXT, "convnext_large", "ConvNeXtLarge", 224, 1536, 196_230_336),
    _backbone(_CONVNEXT, "convnext_xlarge", "ConvNeXtXLarge", 224, 2048, 348_147_968),
)

BACKBONES: Final[Mapping[str, Backbone]] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Every backbone by its name."""


def find_backbone(name: str) -> Backbone:
    """Return a backbone by our name or by Keras's (`MobileNetV2`), in any case of letters.

    Raises:
        BackboneError: There is none of that name; the message has the nearest names.
    """
    by_key = {_key(backbone.name): backbone for backbone in _ALL}
    if (found := by_key.get(_key(name))) is not None:
        return found
    close = difflib.get_close_matches(_key(name), by_key, n=3)
    hint = f"Did you mean {', '.join(by_key[key].name for key in close)}? " if close else ""
    raise BackboneError(
        f"expected a saved model's path or one of {len(by_key)} known names, got {name!r}",
        where="network",
        remedy=f"{hint}`edgefeat-export list` shows all names.",
    )


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
