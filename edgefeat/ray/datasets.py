"""A column of pictures of a Ray dataset becomes a column of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgefeat.arrow import Featurise
from edgefeat.errors import OptionError
from edgefeat.host.heap import keep_freed_memory
from edgefeat.ray.package import the_package

__all__ = ["featurise"]

_CPU_EACH = 0.9  # so that Ray Data's own tasks find room on a full machine
_ROWS_A_BLOCK = 256


def featurise(
    dataset: Any, *, image: str, keep: Sequence[str] = (), workers: int, **options: Any
) -> Any:
    """Return a Ray dataset of features; see `edgefeat.arrow.Featurise` for the columns.

    The dataset is cut into blocks of 256 rows, because one block would keep all actors but one
    idle.

    Args:
        dataset: A `ray.data.Dataset` with a column of pictures or of paths.
        image: That column.
        keep: Columns that come out as they went in.
        workers: How many actors. Ray Data waits for ever, without a word, where actors take every
            CPU of the cluster: as many are refused.
        options: Further arguments of `Featurise`.

    Raises:
        OptionError: So many actors leave Ray Data no CPU of its own.
    """
    ray = the_package()
    cpus = float(ray.cluster_resources().get("CPU", 0))
    if workers * _CPU_EACH > cpus - 1:
        raise OptionError(
            f"{workers} actors on a cluster of {cpus:g} CPUs leave Ray Data none for reading and "
            "writing, and it would wait for ever",
            option="workers",
            remedy=f"Give at most {max(int((cpus - 1) / _CPU_EACH), 0)}, or a larger cluster.",
        )
    work = Featurise(image=image, keep=keep, **options)
    work.expect = work.fingerprint
    cut = dataset.repartition(target_num_rows_per_block=_ROWS_A_BLOCK)
    return cut.map_batches(
        _Batches,
        fn_constructor_args=(work,),
        batch_format="pyarrow",
        batch_size=_ROWS_A_BLOCK,
        concurrency=workers,
        num_cpus=_CPU_EACH,
    )


class _Batches:
    """What Ray Data makes one of in each actor."""

    def __init__(self, work: Featurise) -> None:
        keep_freed_memory()
        self._work = work

    def __call__(self, batch: Any) -> Any:
        return self._work(batch)
