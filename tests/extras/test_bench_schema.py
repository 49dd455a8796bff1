"""The published schema of `edgefeat bench --json`, held against a real report."""

import json

import jsonschema
import pytest

from edgefeat.cli.main import main

QUICK = ["--duration=0.05", "--min-calls=64", "--cold-starts=1", "--workers=2", "--threads=1,2"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> object:
    target = tmp_path_factory.mktemp("bench") / "r.json"
    loads = ["single-stream", "multi-stream", "server", "offline", "camera"]
    options = [f"--scenario={load}" for load in loads]
    bound = ["--latency-bound=0.001"]  # nothing keeps it, so every trial ends early
    assert main(["bench", *QUICK, *options, *bound, f"--json={target}", "-q"]) == 0
    return json.loads(target.read_text())


@pytest.fixture
def schema(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["bench", "--schema"]) == 0
    printed: dict[str, object] = json.loads(capsys.readouterr().out)
    return printed


def test_a_real_report_keeps_the_schema(schema: dict[str, object], report: object) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema)


def test_the_report_has_no_key_that_the_schema_does_not_describe(
    schema: dict[str, object], report: object
) -> None:
    """Forbids other keys, which the schema itself allows later versions."""
    strict = json.loads(
        json.dumps(schema).replace('"properties":', '"additionalProperties": false, "properties":')
    )
    jsonschema.validate(report, strict)


def test_a_wrong_report_does_not(schema: dict[str, object], report: dict[str, object]) -> None:
    wrongs: list[dict[str, object]] = [
        {"schema": "edgefeat.bench/0"},
        {"subjects": [{}]},
        {"pictures": "9"},
    ]
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**report, **wrong}, schema)
