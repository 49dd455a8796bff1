"""Fill a Qdrant collection with a set, and search it: `python qdrant_store.py SET PHOTO`.

Here Qdrant runs inside this process, on a folder. `QdrantClient(url=...)` talks to a server.
"""

import sys

from qdrant_client import QdrantClient, models

import edgefeat


def collection(fingerprint: str) -> str:
    """Return the collection of one model: its name is the guard."""
    return f"photos-{fingerprint[:16]}"


def fill(there: edgefeat.FeatureSet, place: str) -> None:
    client, name = QdrantClient(path=place), collection(there.info.fingerprint)
    cosine = models.VectorParams(size=there.info.dim, distance=models.Distance.COSINE)
    client.create_collection(name, vectors_config=cosine)
    points = (
        models.PointStruct(id=row, vector=one.features.tolist(), payload={"path": one.path})
        for row, one in enumerate(there)
    )
    client.upload_points(name, points)
    client.close()


def search(place: str, photo: str, k: int = 3) -> list[tuple[str, float]]:
    client = QdrantClient(path=place)
    with edgefeat.FeatureExtractor() as extractor:
        name = collection(extractor.fingerprint)
        if not client.collection_exists(name):
            raise SystemExit("there is no collection of this model")
        found = client.query_points(name, extractor.extract(photo).tolist(), limit=k).points
    client.close()
    return [(one.payload["path"], one.score) for one in found]


if __name__ == "__main__":
    fill(edgefeat.FeatureSet.read(sys.argv[1]), "photos.qdrant")
    for path, score in search("photos.qdrant", sys.argv[2]):
        print(f"{score:.3f} {path}")
