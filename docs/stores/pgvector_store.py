"""Write a set as SQL for PostgreSQL with pgvector: `python pgvector_store.py SET > photos.sql`.

    psql -f photos.sql
    select path, 1 - (features <=> (select features from photos where path = 'a.jpg')) as score
    from photos order by score desc limit 3;

The column's check refuses rows of another model; `search` asks for its own fingerprint.
"""

import sys
from collections.abc import Iterator

import edgefeat

ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def statements(there: edgefeat.FeatureSet) -> Iterator[str]:
    fingerprint = there.info.fingerprint
    yield "create extension if not exists vector;\n"
    yield (
        "create table photos (path text primary key, fingerprint text not null\n"
        f"  check (fingerprint = '{fingerprint}'), features vector({there.info.dim}));\n"
    )
    yield "copy photos (path, fingerprint, features) from stdin;\n"
    for one in there:
        numbers = ",".join(map(repr, one.features.tolist()))
        yield f"{one.path.translate(ESCAPED)}\t{fingerprint}\t[{numbers}]\n"
    yield "\\.\n"


if __name__ == "__main__":
    sys.stdout.writelines(statements(edgefeat.FeatureSet.read(sys.argv[1])))
