"""Streams features: capture, supervision, selection and live numbers, one file each."""

from edgefeat.options.stream import Limits, Selection
from edgefeat.streaming.answering import Answering
from edgefeat.streaming.buffer import Policy
from edgefeat.streaming.calibrate import calibrate
from edgefeat.streaming.calibration import GateCalibration
from edgefeat.streaming.events import Event, EventKind
from edgefeat.streaming.health import Health, OnHealth, health_file
from edgefeat.streaming.names import Names
from edgefeat.streaming.result import Extractor, StreamResult
from edgefeat.streaming.stream import Stream, stream

__all__ = [
    "Answering",
    "Event",
    "EventKind",
    "Extractor",
    "GateCalibration",
    "Health",
    "Limits",
    "Names",
    "OnHealth",
    "Policy",
    "Selection",
    "Stream",
    "StreamResult",
    "calibrate",
    "health_file",
    "stream",
]
