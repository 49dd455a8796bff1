"""The published schema of a report: every field of every record is told."""

from edgefeat.bench import json_schema


def test_every_field_is_described() -> None:
    schema = json_schema()
    records = {"BenchReport": schema, **schema["$defs"]}
    assert {"Camera", "LatencySummary", "Percentile", "ServerTrial", "Subject"} < records.keys()
    for name, record in records.items():
        assert record["description"], name
        assert [key for key, of in record["properties"].items() if not of["description"]] == [], (
            name
        )


def test_the_schema_names_its_version() -> None:
    schema = json_schema()
    assert schema["properties"]["schema"] == {
        "type": "string",
        "const": "edgefeat.bench/1",
        "description": "Name and version of this schema.",
    }
