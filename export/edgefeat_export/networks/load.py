"""Loads the network that a request names: a backbone of the catalogue, or a saved model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from edgefeat.errors import OptionError
from edgefeat_export import border
from edgefeat_export.networks import network as networks
from edgefeat_export.networks.backbones import load_backbone
from edgefeat_export.networks.catalogue import find_backbone
from edgefeat_export.networks.network import Network
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.saved import origin

__all__ = ["load_network"]


def load_network(request: NetworkRequest, layers: Sequence[str] = ()) -> Network:
    """Load a backbone of the catalogue or a model the user saved.

    Args:
        request: Which network.
        layers: Names of layers that it will be cut at, which say what picture is meant where a
            saved model takes several.

    Raises:
        BackboneError: It cannot be found, loaded or understood.
        OptionError: An option does not apply to it.
    """
    tf.keras.utils.clear_session()  # names that Keras numbers start at 1 again: equal bytes
    if networks.is_model_file(request.name):
        return _saved_model(request, layers)
    return _backbone(request)


def _saved_model(request: NetworkRequest, layers: Sequence[str]) -> Network:
    given = {
        "weights": request.weights != "imagenet",
        "alpha": request.alpha is not None,
        "minimalistic": request.minimalistic,
    }
    _refuse(given, request.name, "chooses among catalogue backbones; a saved model has its own")
    path = Path(request.name)
    with border.explained("it cannot be opened", where=path, remedy=origin.remedy_for(path)):
        return networks.of_file(
            path,
            normalisation=request.declared,
            size_hw=request.size_hw,
            layers=layers,
            name=request.export_name,
            licence=request.licence,
            opaque=request.opaque,
            signature=request.signature,
            model_output=request.model_output,
            allow_code=request.allow_code,
            code=request.code,
        )


def _backbone(request: NetworkRequest) -> Network:
    given = {
        "input_range": request.input_range is not None,
        "normalisation": request.normalisation is not None,
        "licence": request.licence is not None,
        "opaque": request.opaque,
        "signature": request.signature is not None,
        "model_output": request.model_output is not None,
        "allow_code": request.allow_code,
        "code": request.code is not None,
    }
    find_backbone(request.name)  # a misspelt name is told before options that do not fit it
    _refuse(given, request.name, "is for saved models; a catalogue backbone's own is known")
    network = networks.of_backbone(
        load_backbone(
            request.name,
            weights=request.weights,
            size_hw=request.size_hw,
            alpha=request.alpha,
            minimalistic=request.minimalistic,
        )
    )
    if request.export_name is None:
        return network
    return replace(network, name=networks.file_safe(request.export_name))


def _refuse(given: dict[str, bool], name: str, why: str) -> None:
    """Refuse the first option that is given and that nothing would use."""
    for option, is_given in given.items():
        if is_given:
            raise OptionError(why, where=name, option=option, remedy="Leave it out.")
