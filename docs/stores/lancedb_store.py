"""Fill a LanceDB table with a set, and search it: `python lancedb_store.py SET PHOTO`."""

import sys
from collections.abc import Iterator

import lancedb
import pyarrow as pa

import edgefeat


def fill(there: edgefeat.FeatureSet, place: str) -> None:
    schema = pa.schema(
        [("path", pa.string()), ("vector", pa.list_(pa.float32(), there.info.dim))],
        metadata={"edgefeat.fingerprint": there.info.fingerprint},
    )

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for block in there.blocks():  # a block at a time; the set may be larger than memory
            paths = pa.array(there.paths[start : start + len(block)])
            vectors = pa.FixedSizeListArray.from_arrays(block.reshape(-1), there.info.dim)
            yield pa.RecordBatch.from_arrays([paths, vectors], schema=schema)
            start += len(block)

    lancedb.connect(place).create_table("photos", batches(), schema=schema)


def search(place: str, photo: str, k: int = 3) -> list[tuple[str, float]]:
    table = lancedb.connect(place).open_table("photos")
    with edgefeat.FeatureExtractor() as extractor:
        if table.schema.metadata[b"edgefeat.fingerprint"].decode() != extractor.fingerprint:
            raise SystemExit("the table was made with another model")
        found = table.search(extractor.extract(photo)).distance_type("cosine").limit(k).to_list()
    return [(one["path"], 1 - one["_distance"]) for one in found]


if __name__ == "__main__":
    fill(edgefeat.FeatureSet.read(sys.argv[1]), "photos.lance")
    for path, score in search("photos.lance", sys.argv[2]):
        print(f"{score:.3f} {path}")
