"""Where a network's weights come from, as the model file will say it."""

from dataclasses import dataclass

__all__ = ["WeightsRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRecord:
    """What the model file will say about its weights.

    Attributes:
        source: 'imagenet' (the released weights), 'none' (random), or the name of the file.
        sha256: Hash of the weights file, or of the loaded tensors where Keras fetched the file
            itself; None for random weights.
        licence: SPDX identifier, 'unknown', or 'none' for random weights.
        origin: Who released them, or the seed.
    """

    source: str
    sha256: str | None
    licence: str
    origin: str
