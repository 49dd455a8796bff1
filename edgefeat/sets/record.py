"""What goes into a set, one at a time: a picture's features, or the reason that there are none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgefeat.arrays import Features
from edgefeat.errors import EdgefeatError
from edgefeat.sets.names import encode_name
from edgefeat.sets.stamps import FileStamp

__all__ = ["Failure", "FeatureRecord", "damage_line"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FeatureRecord:
    """The features of one picture or frame, and where they come from.

    Attributes:
        features: What the extractor gave: float32 `(D,)`, or `(H, W, C)` for a single map. Several
            outputs stand side by side in it.
        name: What the picture is called, such as a file's path; None for a camera's frames.
        index: The frame's number in its source, from 0; left-out frames leave gaps. A picture's
            number in its set.
        fingerprint: The model's; vectors of two fingerprints must not be compared.
        source: What the stream's source is called, never with a password. This and what follows
            is None for pictures that no stream gave.
        wall_time: Unix time in seconds, right after the frame was grabbed.
        media_s: The source's own clock in seconds; None if it states no time that can be trusted.
        age_ms: Time from capture to this record, in ms.
        dropped: Frames that made room for newer ones, so far.
        device: What the device is called.
        camera: What the user calls the camera.
        session: Which run of a stream the frame is from: a new text for each.
        monotonic_s: `time.monotonic()` right after the grab, in seconds; it starts anew with each
            boot, and is never set.
        gap_s: Seconds without a connection before this frame; None if there was one all along.
        motion: Grey levels by which the picture differs from what stood before, in blocks of the
            model's input, changes of the light taken out; None if nothing stood before.
        novelty: Cosine distance of the features from those that stood before; None if none did.
        change: Why gates let the frame pass: `first`, `enter`, `change`, `leave` or `heartbeat`;
            None without gates.
        stamp: What the picture's file was when it was read; None for what is no file.
        damage: What the decoder said of a damaged picture that it decoded all the same.
        label: The class that the model's head gives; None without a head.
        probabilities: The probability of each class; None without a head that gives them.
        value: The number that the model's head gives; None without one.
        outputs: The outputs in `features` by name, each in its own shape; empty where they were
            not taken apart.
    """

    features: Features
    index: int
    fingerprint: str
    name: str | None = None
    source: str | None = None
    wall_time: float | None = None
    media_s: float | None = None
    age_ms: float | None = None
    dropped: int | None = None
    device: str | None = None
    camera: str | None = None
    session: str | None = None
    monotonic_s: float | None = None
    gap_s: float | None = None
    motion: float | None = None
    novelty: float | None = None
    change: str | None = None
    stamp: FileStamp | None = None
    damage: str | None = None
    label: str | None = None
    probabilities: Mapping[str, float] | None = None
    value: float | None = None
    outputs: Mapping[str, Features] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """What the row is called in a set: its name, or `SOURCE#INDEX` for a camera's frame."""
        return f"{self.source}#{self.index}" if self.name is None else self.name

    def __repr__(self) -> str:
        """Name the row; the numbers themselves would fill the screen."""
        size = " x ".join(map(str, self.features.shape))
        return (
            f"<{type(self).__name__} {self.path!r}: {size} features, "
            f"fingerprint {self.fingerprint[:12]}>"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One source or picture that gave no features.

    Attributes:
        path: What the user, or a folder, calls it.
        reason: What is wrong with it and what to do about it, as sentences without the path.
    """

    path: str
    reason: str

    @classmethod
    def of(cls, path: str, error: EdgefeatError) -> Failure:
        """Make one from the error that a picture gave."""
        return cls(path=path, reason=error.reason)

    def to_json(self) -> str:
        """Return the ledger's line, with its newline."""
        return json.dumps({"path": encode_name(self.path), "reason": self.reason}) + "\n"


def damage_line(path: str, damage: str) -> str:
    """Return the ledger's line of a damaged picture that was decoded all the same."""
    return json.dumps({"path": encode_name(path), "damaged": damage}) + "\n"
