"""Streams features: capture, supervision, selection and live numbers, one file each."""

from edgefeat.options.stream import Limits, Selection
from edgefeat.streaming.answering import Answering
from edgefeat.streaming.calibration.calibrate import calibrate
from edgefeat.streaming.calibration.calibration import GateCalibration
from edgefeat.streaming.capture.buffer import Policy
from edgefeat.streaming.events import Event, EventKind
from edgefeat.streaming.health import Health, OnHealth
from edgefeat.streaming.names import Names
from edgefeat.streaming.report import health_file
from edgefeat.streaming.result import Extractor, StreamResult
from edgefeat.streaming.several.camera import AnyCamera, CameraSetup
from edgefeat.streaming.several.group import StreamGroup
from edgefeat.streaming.several.group_health import GroupHealth, OnGroupHealth
from edgefeat.streaming.several.many import stream_many
from edgefeat.streaming.stream import Stream, stream

__all__ = [
    "Answering",
    "AnyCamera",
    "CameraSetup",
    "Event",
    "EventKind",
    "Extractor",
    "GateCalibration",
    "GroupHealth",
    "Health",
    "Limits",
    "Names",
    "OnGroupHealth",
    "OnHealth",
    "Policy",
    "Selection",
    "Stream",
    "StreamGroup",
    "StreamResult",
    "calibrate",
    "health_file",
    "stream",
    "stream_many",
]
