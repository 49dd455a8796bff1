"""Fill a FAISS index with a set, and search it: `python faiss_store.py SET PHOTO`.

An index holds vectors alone, so paths and fingerprint stand in a file beside it.
"""

import json
import sys
from pathlib import Path

import faiss

import edgefeat


def fill(there: edgefeat.FeatureSet, place: str) -> None:
    index = faiss.IndexFlatIP(there.info.dim)
    for block in there.blocks():  # a block at a time; the set may be larger than memory
        rows = block.copy()
        faiss.normalize_L2(rows)  # products of unit vectors are cosines
        index.add(rows)
    faiss.write_index(index, place)
    beside = {"fingerprint": there.info.fingerprint, "paths": list(there.paths)}
    Path(f"{place}.json").write_text(json.dumps(beside))


def search(place: str, photo: str, k: int = 3) -> list[tuple[str, float]]:
    index, beside = faiss.read_index(place), json.loads(Path(f"{place}.json").read_text())
    with edgefeat.FeatureExtractor(normalize=False) as extractor:
        if beside["fingerprint"] != extractor.fingerprint:
            raise SystemExit("the index was made with another model")
        query = extractor.extract(photo).reshape(1, -1)
    faiss.normalize_L2(query)
    scores, rows = index.search(query, k)
    return [(beside["paths"][row], float(s)) for row, s in zip(rows[0], scores[0]) if row >= 0]


if __name__ == "__main__":
    fill(edgefeat.FeatureSet.read(sys.argv[1]), "photos.faiss")
    for path, score in search("photos.faiss", sys.argv[2]):
        print(f"{score:.3f} {path}")
