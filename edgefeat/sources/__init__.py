"""Where frames come from: one grammar, two small protocols, one file for each kind of source."""

from edgefeat.messages.redact import redact
from edgefeat.options.network import NetworkOptions
from edgefeat.options.video import VideoOptions
from edgefeat.sources.arrays import ArraySource, CallableSource, IterableSource
from edgefeat.sources.base import FrameError, Grab, Reader, Source, Traits
from edgefeat.sources.camera import CameraRequest
from edgefeat.sources.grammar import AnySource, open_source
from edgefeat.sources.rawvideo import PixelFormat, RawFormat

__all__ = [
    "AnySource",
    "ArraySource",
    "CallableSource",
    "CameraRequest",
    "FrameError",
    "Grab",
    "IterableSource",
    "NetworkOptions",
    "PixelFormat",
    "RawFormat",
    "Reader",
    "Source",
    "Traits",
    "VideoOptions",
    "open_source",
    "redact",
]
