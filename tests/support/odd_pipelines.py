"""Pipelines for benchmarks in processes of their own, which import them from here."""

import os

from edgefeat.bench.pipeline import Call, ExtractorPipeline, Picture

PARENT = "EDGEFEAT_TEST_PARENT"


class OnlyElsewhere(ExtractorPipeline):
    """Refuses to work in the process of the test."""

    def __call__(self, picture: Picture) -> Call:
        assert os.environ[PARENT] != str(os.getpid())
        return super().__call__(picture)


class Dying(ExtractorPipeline):
    """Takes its process with it, as the kernel does when memory is out."""

    def __call__(self, picture: Picture) -> Call:
        os._exit(9)
