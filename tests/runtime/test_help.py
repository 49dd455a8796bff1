"""What an object says of itself at a prompt: one look at it, and `help()` that is complete."""

from __future__ import annotations

import pydoc
import re
from pathlib import Path

import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet

HOMES = (
    "edgefeat",
    "edgefeat.errors",
    "edgefeat.sklearn",
    "edgefeat.streaming",
    "edgefeat.testing",
)


@pytest.fixture(scope="module")
def fx() -> FeatureExtractor:
    return FeatureExtractor()


def test_an_extractor_shows_its_model(fx: FeatureExtractor) -> None:
    assert repr(fx) == (
        f"<FeatureExtractor {str(fx.path)!r}: efficientnet_lite0, int8, 1280 features, "
        f"fingerprint {fx.fingerprint[:12]}>"
    )


def test_a_spec_shows_what_is_not_usual_and_no_long_text(fx: FeatureExtractor) -> None:
    assert repr(fx.spec.input) == "InputSpec(size_hw=(224, 224))"
    assert repr(fx.spec.primary) == (
        "OutputSpec(name='features', kind='vector', shape=(1280,), "
        "source_layer='top_activation', pooling='avg')"
    )
    assert fx.spec.probe is not None
    assert "expected=<3416 characters: 'AAAAAEUlZR8A'...>" in repr(fx.spec.probe)
    assert len(repr(fx.spec)) < 2500


def test_a_row_shows_its_name_and_not_its_numbers(fx: FeatureExtractor, photos: Path) -> None:
    path = str(photos / "coffee.jpg")
    features = FeatureSet.of(fx.extract(path), fx, paths=[path])
    known = f"{path!r}: 1280 features, fingerprint {fx.fingerprint[:12]}>"
    assert repr(features[path]) == f"<FeatureRecord {known}"
    assert repr(features) == (
        f"FeatureSet(1 row of 1280, model efficientnet_lite0, fingerprint {fx.fingerprint[:12]})"
    )
    with edgefeat.stream(path, fx) as frames:
        assert repr(frames) == f"<Stream of {path!r}: new>"
        assert repr(next(iter(frames))) == f"<StreamResult {known}"


@pytest.mark.parametrize("name", [n for n in edgefeat.__all__ if n != "__version__"])
def test_help_is_complete_and_leads_into_no_internals(name: str) -> None:
    """Reached by `help(edgefeat.NAME)`: no text sends its reader to a module that is not public."""
    text = pydoc.plain(pydoc.render_doc(getattr(edgefeat, name)))
    prose = re.sub(r"^(Help on .*|.*\(.*\) -> .*|class .*)$", "", text, flags=re.MULTILINE)
    named = set(re.findall(r"`(edgefeat\.[\w.]+)", prose))
    homes = tuple(f"{home}." for home in HOMES)
    public = {f"edgefeat.{one}" for one in edgefeat.__all__} | set(HOMES)
    assert [one for one in named if one not in public and not one.startswith(homes[1:])] == []


def test_help_names_every_option_and_attribute_of_an_extractor() -> None:
    text = pydoc.plain(pydoc.render_doc(FeatureExtractor))
    for option in FeatureExtractor.__init__.__kwdefaults__ or {}:
        assert re.search(rf"^ \|      {option}: [A-Z]", text, flags=re.MULTILINE), option
    for attribute in ("dim", "fingerprint", "outputs", "path", "providers", "spec"):
        assert re.search(rf"^ \|  {attribute}\n \|      [A-Z]", text, flags=re.MULTILINE), attribute
    described = text.partition("Methods defined here")[0]
    assert max(map(len, described.splitlines()[4:])) <= 100
