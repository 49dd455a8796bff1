"""`edgefeat.stream_many`: features of several cameras with one extractor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from edgefeat.extractor import FeatureExtractor
from edgefeat.streaming.events import OnEvent
from edgefeat.streaming.result import Extractor
from edgefeat.streaming.several.camera import AnyCamera
from edgefeat.streaming.several.group import StreamGroup
from edgefeat.streaming.several.group_health import OnGroupHealth

__all__ = ["stream_many"]


def stream_many(
    cameras: Mapping[str, AnyCamera],
    extractor: Extractor | None = None,
    *,
    workers: int | None = None,
    device: str | None = None,
    on_event: OnEvent | None = None,
    on_health: OnGroupHealth | None = None,
) -> StreamGroup:
    """Return the features of several cameras, to iterate over, as they come.

        from edgefeat.streaming import CameraSetup, Selection

        slow = CameraSetup(source=0, selection=Selection(fps=2))
        for r in edgefeat.stream_many({"yard": "rtsp://camera/live", "door": slow}):
            print(r.camera, r.index, r.age_ms, r.features)

    One model is loaded for all. A camera that is away is waited for, and one that ends by an error
    does not stop the others: it is told to `on_event`, or else as a warning, and raised at the end.

    Args:
        cameras: What each camera is, by the name that records call it: a source as of
            `edgefeat.stream`, or an `edgefeat.streaming.CameraSetup` with options of its own.
        extractor: What makes features, and stays the caller's; None opens the shipped model, for
            the life of the group.
        workers: How many frames are worked on at once; None: as many as the extractor says in
            `usual_workers`, else one.
        device: What records call the device; None: the host's name.
        on_event: Called with each event; its `source` is the camera's name.
        on_health: Called with live numbers once a second, and at the end.

    Raises:
        SourceError: A source names nothing that can be opened. While iterating, at the end: some
            cameras ended by an error.
        OptionError: A name or option does not fit, or two cameras get in each other's way.
    """
    with ExitStack() as held:
        if extractor is None:
            extractor = held.enter_context(FeatureExtractor())
        made = StreamGroup(
            cameras,
            extractor,
            workers=workers,
            device=device,
            on_event=on_event,
            on_health=on_health,
            on_close=lambda: kept.close(),
        )
        kept = held.pop_all()  # the group closes the extractor from now on
        return made
