"""The parts of a plan, done by Ray's actors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgefeat.extractor import FeatureExtractor
from edgefeat.host.heap import keep_freed_memory
from edgefeat.options.extractor import ModelOptions
from edgefeat.options.many import ManyOptions
from edgefeat.places.opening import open_place
from edgefeat.plan.choosing import MISSING, chosen_parts
from edgefeat.plan.part import check_model, do_part, model_options
from edgefeat.plan.plan import read_plan
from edgefeat.ray.package import the_package

__all__ = ["extract_parts"]

_ONE_CORE = ManyOptions(workers=1)  # as Ray counts an actor


def extract_parts(
    place: str,
    *,
    workers: int,
    model: str | Path | bytes | None = None,
    part: str = MISSING,
    on_part: Callable[[int, int, int], object] = lambda _part, _rows, _failures: None,
) -> list[int]:
    """Do the parts of a plan on a Ray cluster.

    Ray is started, or joined, with its defaults if the caller has not done so.

    Args:
        place: The folder or URL of the plan; every node must reach it.
        workers: How many actors, each with a core and a model of its own.
        model: The model file here, or its bytes; it travels to the actors. None is the shipped
            one, of which each node must have the same edgefeat.
        part: Which parts, as `edgefeat extract --part` has it.
        on_part: Called with each part that is done, its rows and its failures.

    Returns:
        The parts that were done, sorted.

    Raises:
        DependencyError: Ray is missing.
        ModelError: The model is not the plan's.
        SourceError: There is no plan, or it cannot be read.
    """
    ray = the_package()
    plan = read_plan(open_place(place))
    content = Path(model).read_bytes() if isinstance(model, str | Path) else model
    with FeatureExtractor.from_options(
        model_options(plan, ModelOptions.of(model=content))
    ) as extractor:
        check_model(plan, extractor, place)
    if not ray.is_initialized():
        ray.init()
    actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Worker)
    shared = ray.put(content)
    pool = [actor.remote(place, shared) for _ in range(workers)]
    todo = chosen_parts(open_place(place), plan, part, again=False)
    running: dict[Any, tuple[int, Any]] = {}
    done: list[int] = []
    try:
        idle = list(pool)
        while True:
            while idle and (number := next(todo, None)) is not None:
                one = idle.pop()
                running[one.do.remote(number)] = number, one
            if not running:
                return sorted(done)
            ready, _ = ray.wait(list(running))
            number, one = running.pop(ready[0])
            rows, failures = ray.get(ready[0])
            done.append(number)
            idle.append(one)
            on_part(number, rows, failures)
    finally:
        for one in pool:
            ray.kill(one)


class _Worker:
    """An actor: one model, any number of parts."""

    def __init__(self, place: str, model: bytes | None) -> None:
        keep_freed_memory()
        self._place = open_place(place)
        self._plan = read_plan(self._place)
        self._extractor = FeatureExtractor.from_options(
            model_options(self._plan, ModelOptions.of(model=model))
        )
        check_model(self._plan, self._extractor, place)

    def do(self, part: int) -> tuple[int, int]:
        """Do a part; return how many rows it has, and how many pictures failed."""
        counts = do_part(self._place, self._plan, part, self._extractor, many=_ONE_CORE)
        assert counts is not None  # noqa: S101 - nobody asked it to stop
        return counts.rows, counts.failures
