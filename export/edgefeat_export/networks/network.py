"""What is exported: a network with everything its file must say, from the catalogue or the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgefeat.errors import OptionError
from edgefeat.model.spec import Colour, InputSpec
from edgefeat_export import border
from edgefeat_export.cut import headless
from edgefeat_export.cut.head import Candidate, Head
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.first_layers import FirstLayers, first_layers
from edgefeat_export.networks.normalisation import IDENTITY, Normalisation
from edgefeat_export.networks.weights import record_of_file
from edgefeat_export.saved.folder import record_of_folder
from edgefeat_export.saved.opening import MODEL_SUFFIXES, open_model
from edgefeat_export.saved.weights_record import WeightsRecord

if TYPE_CHECKING:
    import keras

    from edgefeat_export.networks.backbones import LoadedBackbone

__all__ = [
    "Network",
    "file_safe",
    "is_model_file",
    "of_backbone",
    "of_file",
]


_CUT_ELSEWHERE: Final = "Cut in front of the layer that cannot be run, with `--layer`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A Keras model to be cut, and what goes into the spec of its file.

    Attributes:
        name: What the names of its files begin with.
        backbone: Name of the architecture, for the spec.
        model: Flat and functional, with one image input of fixed size.
        normalisation: Turns uint8 pixels into the model's input.
        weights: Where the weights come from.
        input: Size and colour of the pictures.
        find_head: Finds where the features end, or raises BackboneError.
        in_catalogue: Whether it is a backbone of the catalogue, whose structure is known.
        range_known_by: A phrase that says why its input is taken to be what `normalisation` makes.
    """

    name: str
    backbone: str
    model: keras.Model
    normalisation: Normalisation
    weights: WeightsRecord
    input: InputSpec
    find_head: Callable[[], Head]
    in_catalogue: bool
    range_known_by: str = "as it was declared"

    @property
    def head(self) -> Head:
        """Where to cut unless told otherwise.

        Raises:
            BackboneError: The head cannot be found; the user must name a layer.
        """
        with border.explained("Keras cannot run it", where=self.name, remedy=_CUT_ELSEWHERE):
            return self.find_head()

    def cut(self, taps: Sequence[headless.Tap], *, take_first: bool = False) -> headless.Headless:
        """Return the model cut at the taps; the head is looked for only if a tap needs it.

        Args:
            taps: Where features leave the network.
            take_first: Whether to take the first candidate where the head is not sure.

        Raises:
            BackboneError: No such layer, no head, or a tensor that is no map, vector or tokens.
            OptionError: The head is not sure; the message lists the candidates.
        """
        end = None
        if any(tap.layer is None for tap in taps):
            head, end = self.head, self.head.layer
            if not take_first:
                head.require_sure(self.name)
        with border.explained("it cannot be cut", where=self.name, remedy=_CUT_ELSEWHERE):
            return headless.cut(self.model, taps, end=end)


def is_model_file(name: str) -> bool:
    """Return whether the user means a saved model rather than a backbone's name."""
    path = Path(name)
    return path.suffix in MODEL_SUFFIXES or path.is_dir() or path.is_file()


def of_backbone(loaded: LoadedBackbone) -> Network:
    """Return a catalogue backbone, which comes without a head, as a network."""
    end = str(loaded.model.outputs[0]._keras_history.operation.name)
    head = Head((Candidate(end, "the end of the backbone, which comes without a head"),))
    return Network(
        name=loaded.name,
        backbone=loaded.backbone.name,
        model=loaded.model,
        normalisation=loaded.normalisation,
        weights=loaded.weights,
        input=InputSpec(size_hw=loaded.size_hw),
        find_head=lambda: head,
        in_catalogue=True,
        range_known_by="as the catalogue has it",
    )


def of_file(
    path: Path,
    *,
    normalisation: Normalisation | None,
    size_hw: tuple[int, int] | None = None,
    layers: Sequence[str] = (),
    name: str | None = None,
    licence: str | None = None,
    opaque: bool = False,
    signature: str | None = None,
    model_output: str | None = None,
    allow_code: bool = False,
    code: Path | None = None,
) -> Network:
    """Open a model the user saved.

    Args:
        path: A `.keras` or `.h5` file, or a SavedModel folder.
        normalisation: What the model expects of a pixel; None where it scales 0..255 itself.
        size_hw: Height and width of the input in pixels, where the model leaves them open.
        layers: Names of layers that it will be cut at, which say what picture is meant where it
            takes several.
        name: Name of the exported file; None takes the saved file's.
        licence: SPDX identifier of the weights, as the user states it.
        opaque: Whether every picture counts as opaque, of a model that takes alpha.
        signature: Which signature of a SavedModel is meant; None takes the default one.
        model_output: Which of several outputs is meant; None looks at all.
        allow_code: Whether code inside the file may run.
        code: A Python file with the model's own classes; it is run.

    Raises:
        BackboneError: The file cannot be used, or nothing says what its input is.
        OptionError: It takes no alpha, or does not scale it as it scales colours.
    """
    name = file_safe(name or path.stem)
    model, find_head = open_model(
        path,
        name=name,
        size_hw=size_hw,
        layers=layers,
        signature=signature,
        model_output=model_output,
        allow_code=allow_code,
        code=code,
    )
    _, height, width, channels = model.input_shape
    opaque = opaque or (normalisation is not None and normalisation.opaque)
    _check_alpha(channels, path, opaque=opaque)
    normalisation, known_by = _declared(model, normalisation, path)
    if opaque:
        normalisation = replace(normalisation, opaque=True)
    weights = record_of_folder(path) if path.is_dir() else record_of_file(path)
    return Network(
        name=name,
        backbone=name,
        model=model,
        normalisation=normalisation,
        weights=weights if licence is None else replace(weights, licence=licence),
        input=InputSpec(
            size_hw=(height, width), colour=Colour.GREY if channels == 1 else Colour.RGB
        ),
        find_head=cache(find_head),
        in_catalogue=False,
        range_known_by=known_by,
    )


def file_safe(name: str) -> str:
    """Return a name of lower-case letters, digits and underscores, for files to begin with."""
    return re.sub(r"\W+", "_", name).strip("_").lower() or "model"


def _check_alpha(channels: int, path: Path, *, opaque: bool) -> None:
    """Refuse a model that takes alpha, unless every picture counts as opaque."""
    if channels == 4 and not opaque:
        raise BackboneError(
            "its pictures have 4 channels, and photos and frames have 3",
            where=path,
            remedy="If the fourth is alpha, pass {option}: every picture then counts as opaque, and"
            " a transparent one is laid on white. If it is something else, put a layer in front"
            " that makes it of three colours.",
            option="opaque=True",
        )
    if channels != 4 and opaque:
        raise OptionError(
            f"is for pictures of 4 channels, got a model for {channels}",
            where=path,
            option="opaque",
        )


def _declared(
    model: keras.Model, normalisation: Normalisation | None, path: Path
) -> tuple[Normalisation, str]:
    """Return what the model expects of a pixel, and why: the user said so, or its layers show it.

    Raises:
        BackboneError: Neither says it.
    """
    if normalisation is not None:
        return normalisation, "as it was declared"
    front = first_layers(model)
    if front is not None and front.speak_of_bytes:
        return IDENTITY, f"its first layers bring 0 to {front.low:.4g} and 255 to {front.high:.4g}"
    raise BackboneError(
        _unclear(front),
        where=path,
        remedy="Say how it was trained with {option}: 0,255 (raw pixels), 0,1 or -1,1; or name"
        " Keras's normalisation: tf, caffe, torch or MEAN/STD.",
        option="input_range",
    )


def _unclear(front: FirstLayers | None) -> str:
    if front is None or front.do_nothing:
        return "no scaling layer can be seen in it, so nothing tells what its input is"
    return (
        f"its first layers bring an input of {front.zero:g} to 0 and scale by"
        f" 1/{front.unit:.4g}, which fits pixels of 0..1 or so, not 0..255"
    )
