"""Options exist once: the records, the extractor's signature and its help agree."""

from __future__ import annotations

import inspect
import pickle
from enum import StrEnum
from typing import Any

import pytest

from edgefeat import FeatureExtractor
from edgefeat.errors import OptionError
from edgefeat.model.spec import DecodePolicy
from edgefeat.options.checks import switch, whole_number
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.many import ManyOptions
from edgefeat.options.option import Options, explained, member_of, number_from, option, whole_from


class Coat(StrEnum):
    """How a dog's coat lies."""

    SMOOTH = "smooth"
    WIRED = "wired"


class DogOptions(Options):
    """What a dog can be asked."""

    legs: int = option(4, "legs to stand on", check=whole_number, read=whole_from)
    name: str | None = option(None, "what to call it (default: nothing)", check=lambda _n, v: v)
    coat: Coat = option(Coat.SMOOTH, "how its coat lies", check=member_of(Coat))
    loud: bool = option(False, "let it bark", check=switch)
    fed: bool = option(True, "let it go hungry", check=switch)


def test_values_are_checked_and_converted_once() -> None:
    dog = DogOptions.of(coat="wired", legs=3)
    assert dog.coat is Coat.WIRED
    assert dog == DogOptions(coat=Coat.WIRED, legs=3)
    assert dog != DogOptions()
    assert pickle.loads(pickle.dumps(dog)) == dog  # noqa: S301 - our own bytes
    for wrong, message in (
        ({"legs": 0}, "legs: expected a whole number of 1 or more, got 0."),
        ({"legs": None}, "legs: expected a whole number of 1 or more, got None."),
        ({"coat": "bald"}, "coat: expected 'smooth' or 'wired', got 'bald'."),
        ({"loud": 1}, "loud: expected True or False, got 1."),
    ):
        with pytest.raises(OptionError) as caught:
            DogOptions.of(**wrong)
        assert str(caught.value) == message
    with pytest.raises(TypeError, match="DogOptions: unknown field 'tail'"):
        DogOptions.of(tail=1)


def test_help_explains_every_option_with_its_default() -> None:
    assert explained(DogOptions).splitlines() == [
        "    legs: Legs to stand on (default: 4).",
        "    name: What to call it (default: nothing).",
        "    coat: How its coat lies (default: smooth).",
        "    loud: Pass True to let it bark.",
        "    fed: Pass False to let it go hungry.",
    ]


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("-1", "-1"), ("x", "x"), ("", "")])
def test_text_becomes_a_whole_number_or_stays(text: str, value: object) -> None:
    assert whole_from(text) == value


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("-1", -1.0), ("x", "x"), ("", "")])
def test_text_becomes_a_number_or_stays(text: str, value: object) -> None:
    assert number_from(text) == value


def test_the_extractor_takes_exactly_the_options_of_its_records() -> None:
    taken = dict(inspect.signature(FeatureExtractor).parameters)
    known = {
        name: r.default_of(name) for r in (ModelOptions, EngineOptions) for name, _ in r.each()
    }
    assert {name: parameter.default for name, parameter in taken.items()} == known
    assert FeatureExtractor.__doc__ is not None
    for name in known:
        assert f"\n    {name}: " in FeatureExtractor.__doc__


def test_the_methods_for_many_pictures_take_the_options_of_their_record() -> None:
    known = {name for name, _ in ManyOptions.each()}
    for method in (FeatureExtractor.extract_batch, FeatureExtractor.iter_features):
        assert known | {"self", "images", "rows", "colour"} == set(
            inspect.signature(method).parameters
        )


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("cuda,cpu", ("cuda", "cpu")),
        (" cuda , cpu ", ("cuda", "cpu")),
        (["cuda", "cpu"], ("cuda", "cpu")),
        ("auto", ("auto",)),
    ],
    ids=str,
)
def test_providers_are_read_in_one_place(given: Any, held: tuple[str, ...]) -> None:
    assert EngineOptions.of(providers=given).providers == held


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "auto,cpu",
            "providers: 'auto' stands alone: it tries every accelerator, and takes the CPU if none "
            "works.",
        ),
        (",", "providers: expected names, such as 'cuda,cpu', got ','."),
        ("", "providers: expected names, such as 'cuda,cpu', got ''."),
        ("cpu,cpu", "providers: expected each name once, got 'cpu,cpu'."),
        ([], "providers: expected names, such as 'cuda,cpu', got []."),
        (None, "providers: expected names, such as 'cuda,cpu', got None."),
        ([1], "providers: expected names, such as 'cuda,cpu', got [1]."),
    ],
    ids=str,
)
def test_providers_that_make_no_sense(given: Any, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        FeatureExtractor(providers=given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_pixels": 0}, "max_pixels: expected a whole number of 1 or more, got 0."),
        ({"max_pixels": "x"}, "max_pixels: expected a whole number of 1 or more, got 'x'."),
        ({"threads": 2.5}, "threads: expected a whole number of 1 or more, got 2.5."),
        ({"normalize": "no"}, "normalize: expected True or False, got 'no'."),
        ({"idle_unload_s": 0}, "idle_unload_s: expected a number above 0, got 0."),
        ({"model": 3}, "model: expected a path or a file's bytes, got 3."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_extractor_refuses_values_that_do_not_fit(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError) as caught:
        FeatureExtractor(**options)
    assert str(caught.value) == message


def test_whole_records_make_the_same_extractor(model_path: Any) -> None:
    model = ModelOptions(model=str(model_path), decode=DecodePolicy.FULL, normalize=True)
    with (
        FeatureExtractor.from_options(model, EngineOptions(threads=2)) as one,
        FeatureExtractor(model_path, decode="full", normalize=True, threads=2) as other,
    ):
        assert one.fingerprint == other.fingerprint != one.spec.fingerprint
        assert repr(one) == repr(other)
