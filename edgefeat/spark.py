"""Features on a Spark cluster: a column of pictures in a DataFrame becomes a column of vectors.

    photos = spark.read.format("binaryFile").load("s3a://bucket/photos/*.jpg")
    edgefeat.spark.featurise(photos, image="content", keep=["path"]).write.parquet("s3a://bucket/set")

`FeatureSet.read` reads what Spark wrote. Spark keeps no order of rows across files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgefeat.arrow import Featurise
from edgefeat.errors import DependencyError, OptionError
from edgefeat.sets.encoding import Store
from edgefeat.sets.parquet import column_names

__all__ = ["featurise"]


def featurise(frame: Any, *, image: str, keep: Sequence[str] = (), **options: Any) -> Any:
    """Return a Spark DataFrame of features; see `edgefeat.arrow.Featurise` for the columns.

    The driver's model decides: an executor whose edgefeat ships another one is refused. A model
    given as bytes travels with the job.

    Args:
        frame: A DataFrame with a column of pictures' bytes, or of paths that every executor reads.
        image: That column.
        keep: Columns that come out as they went in; call one `path` so that rows have names.
        options: Further arguments of `Featurise`.

    Raises:
        DependencyError: PySpark is missing.
        OptionError: A column is missing, or Spark has no type for the numbers.
    """
    try:
        from pyspark.sql import types
    except ImportError as error:
        raise DependencyError(
            "edgefeat.spark needs PySpark", remedy="Install it with `pip install pyspark`."
        ) from error
    missing = [name for name in (image, *keep) if name not in frame.columns]
    if missing:
        raise OptionError(
            f"no column {missing[0]!r}: there are {', '.join(frame.columns)}",
            option="image" if missing[0] == image else "keep",
        )
    work = Featurise(image=image, keep=keep, **options)
    work.expect = work.fingerprint
    info = work.info
    numbers = {Store.F32: types.FloatType(), Store.I8: types.ByteType()}.get(info.store)
    if numbers is None:
        raise OptionError(f"Spark has no type for {info.store}; expected f32 or i8", option="store")
    fields = [frame.schema[name] for name in keep]
    for output in info.outputs:
        name, scale = column_names(output.name, info)
        vector = types.ArrayType(numbers)
        fields.append(types.StructField(name, vector, metadata=work.metadata()))
        if info.store.has_scales:
            fields.append(types.StructField(scale, types.FloatType()))
    fields += [types.StructField(name, types.StringType()) for name in ("error", "damage")]
    wanted = frame.select(*dict.fromkeys([*keep, image]))
    return wanted.mapInArrow(_each_of(work), types.StructType(fields))


def _each_of(work: Featurise) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def each(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            yield work(batch)

    return each
