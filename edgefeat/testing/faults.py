"""A camera that misbehaves on a script: drops, stalls, garbage, new sizes, broken connections.

    camera = FaultySource([frames(30), stall(6), frames(10), disconnect(refusals=2), frames(30)])
    for r in edgefeat.stream(camera, limits=Limits(timeout_s=1)):
        ...

Each frame shows its number, so a test can tell that none was repeated or made up.
"""

from __future__ import annotations

import random
import threading
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from edgefeat.arrays import Pixels
from edgefeat.errors import OptionError, SourceError
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import Grab, OpenReader, Traits, nothing_grabbed

__all__ = [
    "FaultySource",
    "ScriptStep",
    "StepKind",
    "disconnect",
    "drop",
    "frame_number",
    "frames",
    "freeze",
    "garbage",
    "hang",
    "numbered_frame",
    "random_script",
    "resize",
    "stall",
]

_BITS = 24
_CELL = 8  # each bit of the frame's number is a square cell with sides of so many pixels


class StepKind(StrEnum):
    """What a camera can do."""

    FRAMES = "frames"
    DROP = "drop"
    FREEZE = "freeze"
    GARBAGE = "garbage"
    STALL = "stall"
    HANG = "hang"
    RESIZE = "resize"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One step of a script: made by the functions below.

    Attributes:
        kind: What the camera does.
        count: How many frames, or attempts to connect, it is done to.
        seconds: How long it takes.
        size_hw: The new height and width in pixels.
    """

    kind: StepKind
    count: int = 0
    seconds: float = 0.0
    size_hw: tuple[int, int] = (0, 0)


def frames(count: int) -> ScriptStep:
    """Give so many good frames."""
    return ScriptStep(StepKind.FRAMES, count=count)


def drop(count: int) -> ScriptStep:
    """Lose so many frames before anyone sees them: the pictures' numbers jump."""
    return ScriptStep(StepKind.DROP, count=count)


def freeze(count: int) -> ScriptStep:
    """Give the last picture so many times again, as cameras with a crashed sensor do."""
    return ScriptStep(StepKind.FREEZE, count=count)


def garbage(count: int) -> ScriptStep:
    """Give so many JPEGs that are cut off."""
    return ScriptStep(StepKind.GARBAGE, count=count)


def stall(seconds: float) -> ScriptStep:
    """Give nothing for a while; the wait ends when the reader is interrupted."""
    return ScriptStep(StepKind.STALL, seconds=seconds)


def hang(seconds: float) -> ScriptStep:
    """Give nothing for a while and do not listen, as a driver stuck in the kernel."""
    return ScriptStep(StepKind.HANG, seconds=seconds)


def resize(height: int, width: int) -> ScriptStep:
    """Change the size of the frames that follow."""
    return ScriptStep(StepKind.RESIZE, size_hw=(height, width))


def disconnect(*, refusals: int = 0) -> ScriptStep:
    """Break the connection, and refuse so many attempts to open a new one."""
    return ScriptStep(StepKind.DISCONNECT, count=refusals)


def random_script(seed: int, *, faults: int, between: int = 20) -> list[ScriptStep]:
    """Return a script of so many faults, with up to `between` good frames before each.

    Args:
        seed: Equal seeds give equal scripts.
        faults: How many faults there are.
        between: Most good frames before each of them.
    """
    rng = random.Random(seed)  # noqa: S311 - a script, not a secret
    script: list[ScriptStep] = []
    for _ in range(faults):
        script.append(frames(rng.randint(1, between)))
        script.append(
            rng.choice(
                [
                    drop(rng.randint(1, 3)),
                    garbage(rng.randint(1, 3)),
                    stall(rng.uniform(0.0, 0.02)),
                    resize(8 * rng.randint(8, 16), 8 * rng.randint(24, 32)),
                    disconnect(refusals=rng.randint(0, 2)),
                ]
            )
        )
    return [*script, frames(between)]


class FaultySource:
    """Plays a script once, over as many connections as it breaks; then it ends.

    Args:
        script: What to do, in order.
        fps: Frames per second; None: as fast as they are taken.
        size_hw: Height and width of the first frames; at least 8 x 192 to hold the number.
        live: Whether it behaves as a camera (newest frame first, reconnects) or as a file.
        seed: Seed of the random places where garbage is cut.
        name: What the camera is called.

    Attributes:
        opened: Connections opened so far.
        closed: Connections closed so far.
        sent: Numbers of the good frames given so far.
    """

    def __init__(
        self,
        script: Sequence[ScriptStep],
        *,
        fps: float | None = None,
        size_hw: tuple[int, int] = (64, 192),
        live: bool = True,
        seed: int = 0,
        name: str = "faulty camera",
    ) -> None:
        self.name = name
        self.traits = Traits(live=live, reopens=live)
        self.opened = self.closed = 0
        self.sent = array("L")  # four or eight bytes each, however long the script
        self._steps = list(script)[::-1]  # popped from the end
        self._interval_s = 1 / fps if fps else 0.0
        self._size_hw = size_hw
        self._number = self._refusals = 0
        self._rng = random.Random(seed)  # noqa: S311 - cuts garbage, guards nothing

    def open(self, *, timeout_s: float) -> _FaultyReader:
        """Connect.

        Raises:
            SourceError: The script says so.
        """
        if self._refusals:
            self._refusals -= 1
            raise SourceError("refused, as the script says", where=self.name)
        self.opened += 1
        return _FaultyReader(self)

    def _next(self, interrupted: threading.Event) -> ImageInput | None:
        """Play the script up to the next frame."""
        while self._steps and not interrupted.is_set():
            step = self._steps.pop()
            if step.kind is StepKind.STALL:
                interrupted.wait(step.seconds)
            elif step.kind is StepKind.HANG:
                time.sleep(step.seconds)
            elif step.kind is StepKind.RESIZE:
                self._size_hw = step.size_hw
            elif step.kind is StepKind.DROP:
                self._number += step.count
            elif step.kind is StepKind.DISCONNECT:
                self._refusals = step.count
                raise SourceError("broke off, as the script says", where=self.name)
            elif step.count > 0:
                self._steps.append(ScriptStep(step.kind, step.count - 1))
                interrupted.wait(self._interval_s)
                return self._picture(step.kind)
        return None

    def _picture(self, kind: StepKind) -> ImageInput:
        if kind is StepKind.FREEZE:
            return numbered_frame(max(0, self._number - 1), self._size_hw)
        picture = numbered_frame(self._number, self._size_hw)
        if kind is StepKind.GARBAGE:
            jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
            return jpeg[: self._rng.randint(4, len(jpeg) - 3)]
        self.sent.append(self._number)
        self._number += 1
        return picture


class _FaultyReader(OpenReader):
    def __init__(self, source: FaultySource) -> None:
        self._name = source.name
        self._source: FaultySource | None = source
        self._interrupted = threading.Event()
        self._picture: ImageInput | None = None

    def grab(self) -> Grab | None:
        if self._source is None:
            return None
        self._picture = self._source._next(self._interrupted)
        return None if self._picture is None else Grab()

    def retrieve(self) -> ImageInput:
        if self._picture is None:
            raise nothing_grabbed(self._name)
        return self._picture

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.closed += 1


def numbered_frame(number: int, size_hw: tuple[int, int] = (64, 192)) -> Pixels:
    """Return a picture that shows a number: uint8 `(height, width, 3)`, BGR.

    The number stands in the top row as black and white cells, and colours the rest.

    Raises:
        OptionError: The picture is too small to show a number.
    """
    height, width = size_hw
    if height < _CELL or width < _BITS * _CELL:
        raise OptionError(
            f"expected at least {(_CELL, _BITS * _CELL)}, got {size_hw}", option="size_hw"
        )
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    shown: Pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST).astype(
        np.uint8, copy=False
    )
    for bit in range(_BITS):
        shown[:_CELL, bit * _CELL : (bit + 1) * _CELL] = 255 * (number >> bit & 1)
    return shown


def frame_number(picture: Pixels) -> int:
    """Return the number that a picture shows. It is readable after JPEG too.

    Args:
        picture: What `numbered_frame` returned: uint8 `(height, width, 3)`, BGR.
    """
    cells = picture[_CELL // 2, _CELL // 2 : _BITS * _CELL : _CELL].mean(axis=-1)
    return sum(1 << bit for bit, cell in enumerate(cells) if cell > 127)
