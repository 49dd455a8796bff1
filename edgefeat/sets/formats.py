"""Where a set goes, by the name of the output, and whether the options fit it.

    -, /dev/stdout                   JSON lines on stdout
    a pipe or device that is there   JSON lines into it
    .npz .npy .csv .jsonl .parquet   one file
    ends in / or has no ending       a folder of shards

One rule for what is there already, in every form: it is refused, unless `overwrite` replaces it or
`resume` goes on with it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from edgefeat.errors import OptionError, SinkError
from edgefeat.options.keeping import KeepOptions
from edgefeat.options.output import OutputOptions, Store
from edgefeat.sets.info import SetInfo
from edgefeat.sets.sink import Sink
from edgefeat.sets.whole_file import WholeFileSink

__all__ = ["FORMATS", "OutputPlan", "is_folder", "open_sink"]

FORMATS = (".npz", ".npy", ".csv", ".jsonl", ".parquet")
_COMMIT_EVERY_S = 30.0
_STDOUT = ("-", "/dev/stdout")
_HOLDS: dict[str, tuple[Store, ...]] = {
    ".npy": (Store.F32, Store.F16),  # one array: no room for scales
    ".csv": (Store.F32,),
}


class _Form(Enum):
    STDOUT = "stdout"
    PIPE = "a pipe or device"
    FILE = "a file"
    FOLDER = "a folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """An output and how it is to be written; checked before a model is opened.

    Args:
        output: What the user named; `-` is stdout.
        live: Whether records come from a stream: `.jsonl` files and folders then hold each record
            at once, and other files appear when it ends.
        options: How it is written, and what happens to what is there.
        keeping: When it begins anew, and what is kept.

    Raises:
        OptionError: The options do not go with the output.
        SinkError: The output is there already.
    """

    output: str
    live: bool = False
    options: OutputOptions = field(default_factory=OutputOptions)
    keeping: KeepOptions = field(default_factory=KeepOptions)

    def __post_init__(self) -> None:
        options = self.options
        self._check_ending()
        if options.overwrite and self._form in (_Form.STDOUT, _Form.PIPE):
            raise OptionError(f"there is nothing to replace on {self.output!r}", option="overwrite")
        if options.resume and not self.grows:
            raise OptionError(
                f"goes on with {self._growing()}, not with {self.output!r}", option="resume"
            )
        for name in ("shard_size", "sync", "commit_every_s"):
            if getattr(options, name) and self._form is not _Form.FOLDER:
                raise OptionError("needs a folder as output, such as features/", option=name)
        if self.live and options.commit_every_s is not None:
            raise OptionError(
                "has no effect: each record of a stream is on the disk at once",
                option="commit_every_s",
            )
        if self.keeping.rotate is not None and not (self.live and self.grows):
            raise OptionError(
                f"needs a stream into {self._growing()}, got {self.output!r}", option="rotate"
            )
        if self.keeping.gzip and self._form is not _Form.FILE:
            raise OptionError("needs a .jsonl file as output", option="gzip")
        self._check_store()
        self._refuse_what_is_there()

    @property
    def grows(self) -> bool:
        """Whether records are safe on the disk at once or in shards, and can be gone on with."""
        live_lines = self.live and self._form is _Form.FILE and self._suffix == ".jsonl"
        return self._form is _Form.FOLDER or live_lines

    @property
    def is_stdout(self) -> bool:
        """Whether records go to stdout."""
        return self._form is _Form.STDOUT

    @property
    def is_path(self) -> bool:
        """Whether records go to a file or folder, and not to stdout, a pipe or a device."""
        return self._form in (_Form.FILE, _Form.FOLDER)

    @property
    def at_the_end(self) -> bool:
        """Whether the output appears only when all records are there."""
        return self._form is _Form.FILE and not self.grows

    @property
    def path(self) -> Path:
        """The output as a path."""
        return Path(self.output)

    def open(self, info: SetInfo, *, batch: int = 1) -> Sink:
        """Open the sink.

        Args:
            info: What the rows have in common.
            batch: Pictures for each inference, which a folder holds its later runs to.

        Raises:
            OptionError: The format cannot hold the outputs or the numbers.
            SinkError: The place cannot be written to, or holds something that does not fit.
        """
        limit = self.keeping.rotate
        if limit is None:
            return self._open_one(info, batch, self.options)
        from edgefeat.sets.parts import Parts
        from edgefeat.sets.rotation import RotatingSink

        def open_part(*, first: bool) -> Sink:
            anew = replace(self.options, resume=False, overwrite=False)
            return self._open_one(info, batch, self.options if first else anew)

        parts = Parts(self.path, keep=self.keeping.keep, compress=self.keeping.gzip)
        return RotatingSink(self.path, open_part, limit, parts)

    def _open_one(self, info: SetInfo, batch: int, options: OutputOptions) -> Sink:
        if self._form is _Form.FOLDER:
            if self.live:
                from edgefeat.sets.live_shards import LiveShardSink

                return LiveShardSink(
                    self.path,
                    info,
                    resume=options.resume,
                    overwrite=options.overwrite,
                    shard_size=options.shard_size,
                    fsync_s=self.keeping.fsync_s,
                )
            from edgefeat.sets.shards import ShardSink

            return ShardSink(
                self.path,
                info,
                resume=options.resume,
                overwrite=options.overwrite,
                sync=options.sync,
                batch=batch,
                shard_size=options.shard_size,
                commit_every_s=options.commit_every_s or _COMMIT_EVERY_S,
            )
        if self._form is _Form.FILE:
            self._check_outputs(info)
            if not (self.live and self._suffix == ".jsonl"):
                return _whole_file_class(self._suffix)(self.path, info, overwrite=options.overwrite)
        from edgefeat.sets.json_lines import JsonLinesStreamSink

        target = _stdout() if self._form is _Form.STDOUT else self.path
        return JsonLinesStreamSink(
            target,
            info,
            resume=options.resume,
            overwrite=options.overwrite,
            fsync_s=self.keeping.fsync_s,
        )

    @property
    def _suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def _form(self) -> _Form:
        if self.output in _STDOUT:
            return _Form.STDOUT
        if is_folder(self.output):
            return _Form.FOLDER
        there = self.path.exists() and not self.path.is_file() and not self.path.is_dir()
        return _Form.PIPE if there else _Form.FILE

    def _growing(self) -> str:
        return "a folder or a .jsonl file" if self.live else "a folder"

    def _check_ending(self) -> None:
        if self._form is _Form.FILE and self._suffix not in FORMATS:
            raise OptionError(
                f"expected a folder or a file ending in {', '.join(FORMATS)}, got {self.output!r}",
                option="output",
            )

    def _check_store(self) -> None:
        holds = _HOLDS.get(self._suffix, tuple(Store)) if self._form is _Form.FILE else tuple(Store)
        store = self.options.store
        if store not in holds:
            raise OptionError(
                f"a {self._suffix} file cannot hold {store}, only {', '.join(holds)}",
                option="store",
                remedy="Choose .npz, .parquet, .jsonl or a folder.",
            )

    def _check_outputs(self, info: SetInfo) -> None:
        if self._suffix == ".npy" and len(info.outputs) > 1:
            raise OptionError(
                f"a .npy file holds one output, got {len(info.outputs)}",
                option="outputs",
                remedy="Choose .npz, .parquet, .jsonl, .csv or a folder.",
            )
        maps = [output.name for output in info.outputs if len(output.shape) > 1]
        if self._suffix == ".csv" and maps:
            raise OptionError(
                f"a .csv file cannot hold {maps[0]}, which is a feature map",
                option="outputs",
                remedy="Choose .npz, .parquet, .jsonl or a folder.",
            )

    def _refuse_what_is_there(self) -> None:
        """Refuse a file that is there; a folder is asked for what it holds when it is opened."""
        if self._form is not _Form.FILE or self.options.resume or self.options.overwrite:
            return
        if self.path.is_dir():
            raise SinkError(
                "a folder, expected a file", where=self.path, remedy="Name a file inside it."
            )
        if self.grows and self.path.is_file() and self.path.stat().st_size == 0:
            return  # as a stream leaves it that is killed before its first record
        if self.path.exists():
            raise SinkError(
                "exists already",
                where=self.path,
                remedy="Go on with it by {option}, overwrite it, or name another file."
                if self.grows
                else "Replace it with {option}, or name another file.",
                option="resume=True" if self.grows else "overwrite=True",
            )


def is_folder(output: str) -> bool:
    """Return whether an output names a folder: it ends in / or has no ending, or is one."""
    if output in _STDOUT:
        return False
    path = Path(output)
    suffix = path.suffix.lower()
    if path.exists() and not path.is_file() and not path.is_dir():
        return False
    return output.endswith("/") or not suffix or (suffix not in FORMATS and path.is_dir())


def open_sink(
    output: str | Path, info: SetInfo, *, overwrite: bool = False, live: bool = False
) -> Sink:
    """Open the sink that goes with an output's name; `OutputPlan` has the other options.

    Args:
        output: File, folder or `-`; its ending says the format.
        info: What the rows have in common.
        overwrite: Whether a set that is there may go.
        live: Whether records come from a stream.

    Raises:
        OptionError: The name or what it must hold does not fit a format.
        SinkError: The place cannot be written to, or is there already.
    """
    options = OutputOptions(store=info.store, overwrite=overwrite)
    return OutputPlan(output=str(output), options=options, live=live).open(info)


def _whole_file_class(suffix: str) -> type[WholeFileSink]:
    if suffix == ".npz":
        from edgefeat.sets.arrays import NpzSink

        return NpzSink
    if suffix == ".npy":
        from edgefeat.sets.arrays import NpySink

        return NpySink
    if suffix == ".csv":
        from edgefeat.sets.csv_file import CsvSink

        return CsvSink
    if suffix == ".parquet":
        from edgefeat.sets.parquet import ParquetSink

        return ParquetSink
    from edgefeat.sets.whole_file import JsonLinesFileSink

    return JsonLinesFileSink


def _stdout() -> int:
    """Return the descriptor of stdout: a line is one write, past Python's own buffers."""
    try:
        return sys.stdout.fileno()
    except OSError as error:  # a program has put an object of its own in the place of stdout
        raise SinkError(
            "this program's stdout is no file of the system", remedy="Name a file or a folder."
        ) from error
