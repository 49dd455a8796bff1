"""Fill a DuckDB table with a set, and search it with SQL: `python duckdb_store.py SET PHOTO`."""

import sys

import duckdb

import edgefeat


def fill(there: edgefeat.FeatureSet, place: str) -> None:
    there.save("features.parquet", overwrite=True)  # pip install 'edgefeat[parquet]'
    with duckdb.connect(place) as database:
        database.execute("create table model (fingerprint text)")
        database.execute("insert into model values (?)", [there.info.fingerprint])
        database.execute("create table photos as select path, features from 'features.parquet'")


def search(place: str, photo: str, k: int = 3) -> list[tuple[str, float]]:
    with edgefeat.FeatureExtractor() as extractor, duckdb.connect(place) as database:
        (fingerprint,) = database.execute("select fingerprint from model").fetchone()
        if fingerprint != extractor.fingerprint:
            raise SystemExit("the table was made with another model")
        kind = f"float[{extractor.dim}]"
        query = f"""
            select path, array_cosine_similarity(features::{kind}, ?::{kind}) as score
            from photos order by score desc, path limit ?"""
        return database.execute(query, [extractor.extract(photo).tolist(), k]).fetchall()


if __name__ == "__main__":
    fill(edgefeat.FeatureSet.read(sys.argv[1]), "photos.duckdb")
    for path, score in search("photos.duckdb", sys.argv[2]):
        print(f"{score:.3f} {path}")
