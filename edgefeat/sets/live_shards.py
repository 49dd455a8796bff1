"""A folder of shards that a stream writes: each record is on the disk before the next one comes.

A stream's frames cannot be had again. So each is a line of the tail at once, and the tail becomes a
shard when it is long enough.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.options.output import Store
from edgefeat.sets.building import Building
from edgefeat.sets.folder import tail_name
from edgefeat.sets.frames import frame_facts
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_lines import JsonLinesStreamSink, read_lines
from edgefeat.sets.opening import open_set_folder
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.shard_files import Row
from edgefeat.sets.sink import SinkBase, SinkSummary
from edgefeat.sets.stock import Stock

__all__ = ["LiveShardSink"]


class LiveShardSink(SinkBase):
    """Takes a stream's records. Until the first one comes nothing is written, and nothing goes.

    Args:
        folder: Made if it is missing; locked while open.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there.
        overwrite: Whether a set that is there goes. Without either one, a set is refused.
        shard_size: Records a shard covers; None takes the set's own or a default.
        fsync_s: A record that comes so many seconds after the last time brings the tail to its
            disk.

    Raises:
        SinkError: The folder holds something else, or a set that is damaged or of another
            fingerprint.
    """

    def __init__(
        self,
        folder: Path,
        info: SetInfo,
        *,
        resume: bool = False,
        overwrite: bool = False,
        shard_size: int | None = None,
        fsync_s: float = 5.0,
    ) -> None:
        self._info, self._fsync_s, self._resumed = info, fsync_s, 0
        self._tail: JsonLinesStreamSink | None = None
        self._folder = open_set_folder(
            folder, info, resume=resume, overwrite=overwrite, shard_size=shard_size, later=True
        )
        self._building: Building | None = None
        try:
            if self._folder.begun:
                self._take_up_tail(self._begun())
        except BaseException:
            self._folder.close()
            raise
        self._resumed = self.summary().rows

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        try:
            features = self._info.flat(record)
            building = self._building or self._begun()
            self._open_tail().write(record)
        except SinkError as error:
            if error.where is None:
                error.within(self._folder.path)
            raise
        frame = frame_facts(record) if self._info.timed else None
        self._close_tail_if(building.add(Row(path=record.path, features=features, frame=frame)))

    def fail(self, failure: Failure) -> None:
        """Take one failure."""
        self._close_tail_if((self._building or self._begun()).fail(failure))

    def commit(self) -> None:
        """Write the last, partial shard and mark the set complete, if a record came."""
        if self._building is not None:
            self._building.finish()
            self._close_tail_if(True)

    def summary(self) -> SinkSummary:
        """Count what stands in the folder."""
        manifest = self._folder.manifest
        in_tail = 0 if self._building is None else len(self._building.rows)
        return SinkSummary(
            rows=manifest.rows + in_tail,
            resumed=self._resumed,
            failures=manifest.failures,
            loss=manifest.loss,
        )

    def close(self) -> None:
        """Unlock the folder; the tail stays. Closing twice is fine."""
        self._close_tail_if(True)
        self._folder.close()

    @property
    def _tail_path(self) -> Path:
        return self._folder.path / tail_name(len(self._folder.manifest.shards))

    def _begun(self) -> Building:
        """Begin the set, or go on with the one that is there."""
        self._folder.begin()
        building = Building(self._folder, self._info, Stock(self._folder, self._info))
        building.go_on_after_the_set()
        self._building = building
        return building

    def _take_up_tail(self, building: Building) -> None:
        """Go on with the rows that a killed stream left after its last shard."""
        path = self._tail_path
        if not path.exists():
            return
        self._open_tail()  # which takes a cut line away
        for line in read_lines(path):
            features = np.concatenate([row.numbers[0] for row in line.rows])
            building.rows.append(Row(path=line.path, features=features, frame=line.frame))
        self._close_tail_if(building.flush_if_full())

    def _open_tail(self) -> JsonLinesStreamSink:
        if self._tail is None:
            exact = replace(self._info, store=Store.F32)  # a shard is encoded from exact numbers
            self._tail = JsonLinesStreamSink(
                self._tail_path, exact, resume=True, packed=True, fsync_s=self._fsync_s
            )
        return self._tail

    def _close_tail_if(self, over: bool) -> None:
        if over and self._tail is not None:
            self._tail.close()
            self._tail = None
