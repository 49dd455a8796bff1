"""Fill a SQLite table with a set, and search it by sqlite-vec: `python sqlite_store.py SET PHOTO`.

Python's sqlite3 must be built with loadable extensions: Debian's is, some others are not.
"""

import sqlite3
import sys

import sqlite_vec

import edgefeat


def connect(place: str) -> sqlite3.Connection:
    database = sqlite3.connect(place)
    if not hasattr(database, "enable_load_extension"):
        raise SystemExit("this Python's sqlite3 cannot load extensions: take the system's Python")
    database.enable_load_extension(True)
    sqlite_vec.load(database)
    return database


def fill(there: edgefeat.FeatureSet, place: str) -> None:
    database = connect(place)
    with database:
        database.execute("create table model (fingerprint text)")
        database.execute("insert into model values (?)", [there.info.fingerprint])
        database.execute("create table photos (row integer primary key, path text)")
        database.execute(
            "create virtual table vectors using vec0"
            f"(features float[{there.info.dim}] distance_metric=cosine)"
        )
        for row, one in enumerate(there):
            database.execute("insert into photos values (?, ?)", [row, one.path])
            database.execute(
                "insert into vectors (rowid, features) values (?, ?)", [row, one.features.tobytes()]
            )
    database.close()


def search(place: str, photo: str, k: int = 3) -> list[tuple[str, float]]:
    database = connect(place)
    (fingerprint,) = database.execute("select fingerprint from model").fetchone()
    with edgefeat.FeatureExtractor() as extractor:
        if fingerprint != extractor.fingerprint:
            raise SystemExit("the table was made with another model")
        query = extractor.extract(photo).tobytes()
    found = database.execute(
        "select path, 1 - distance from vectors join photos on photos.row = vectors.rowid "
        "where features match ? and k = ? order by distance, path",
        [query, k],
    ).fetchall()
    database.close()
    return found


if __name__ == "__main__":
    fill(edgefeat.FeatureSet.read(sys.argv[1]), "photos.sqlite")
    for path, score in search("photos.sqlite", sys.argv[2]):
        print(f"{score:.3f} {path}")
