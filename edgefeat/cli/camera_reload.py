"""Reads the file of cameras again on SIGHUP, and changes what runs by what has changed there."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

from edgefeat.cli.camera_file import read_cameras
from edgefeat.cli.stream_screen import Screen
from edgefeat.errors import EdgefeatError, OptionError

if TYPE_CHECKING:
    from edgefeat.streaming import CameraSetup, StreamGroup

__all__ = ["Reload"]

_PATIENCE_S = 0.1


class Reload:
    """Changes a group of cameras to what their file says; on entering it listens to `ask`.

    Cameras of which nothing has changed are left alone, unless an error has ended them. A file that
    is not right changes nothing.

    Args:
        arguments: The command line, which names the file.
        options: The options of each camera that runs, by its name; kept up to date.
        group: The cameras.
        made: Makes a camera of its name and options.
        screen: Where it is told.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        options: dict[str, argparse.Namespace],
        group: StreamGroup,
        made: Callable[[str, argparse.Namespace], CameraSetup],
        screen: Screen,
    ) -> None:
        self._arguments, self._options = arguments, options
        self._group, self._made, self._screen = group, made, screen
        self._asked: SimpleQueue[bool] = SimpleQueue()  # a signal handler may put
        self._thread = threading.Thread(target=self._run, name="edgefeat reload", daemon=True)

    def ask(self) -> None:
        """Have the file read soon; may be called from a signal handler."""
        self._asked.put(True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.put(False)
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        while self._asked.get():
            path = self._arguments.cameras
            try:
                self._screen.note(f"{path}: read again: {self._change()}")
            except (EdgefeatError, OptionError) as error:
                what = error.message(self._arguments.parser.spell)
                place = "" if (error.where or "").startswith(str(path)) else f"{path}: "
                self._screen.warn(f"{place}{what} The cameras stay as they were.")
            except ValueError:  # the group was closed in the meantime
                return

    def _change(self) -> str:
        """Change the group; return what was changed."""
        wanted, running = read_cameras(self._arguments.cameras, self._arguments), self._options
        failed = self._group.failures
        gone = [name for name in running if name not in wanted]
        new = [name for name in wanted if name not in running]
        again = [
            name
            for name, one in wanted.items()
            if name in running and (name in failed or one.words != running[name].words)
        ]
        if not (gone or new or again):
            return "nothing has changed"
        add = {name: self._made(name, wanted[name]) for name in new + again}
        before = dict(running)
        running.update({name: wanted[name] for name in add})
        try:
            self._group.change(add=add, remove=gone + again)
        except BaseException:
            running.clear()
            running.update(before)
            raise
        for name in gone:
            del running[name]
        parts = (("new", new), ("gone", gone), ("started anew", again))
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
