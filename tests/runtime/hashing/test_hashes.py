"""Hashes of values: the vectors that docs/hashing.md promises, alone and among many."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefeat.hashing.values import hashes_of
from hash_oracle import PAGE, page_functions

ROW = re.compile(r"^\| (.+) \| (\d+) \| `([0-9a-f]{16})` \| `([0-9a-f]{16})` \|$", re.MULTILINE)
VECTORS = [
    (what.strip("`") if what.startswith("`") else ("abcdefghijklmnopqrstuvwxyz" * 8)[: int(size)],
     int(size), int(farm, 16), int(sip, 16))
    for what, size, farm, sip in ROW.findall(PAGE.read_text("utf-8"))
]  # fmt: skip
KEY = bytes(range(16))


def bits(hashes: np.ndarray) -> list[int]:
    return [one % 2**64 for one in hashes.ravel().tolist()]


def test_the_page_has_a_vector_for_each_way_through() -> None:
    assert {0, 1, 4, 9, 17, 33, 65, 200} <= {size for _, size, *_ in VECTORS}


@pytest.mark.parametrize(("text", "size", "farm", "sip"), VECTORS)
def test_the_pages_vectors(text: str, size: int, farm: int, sip: int) -> None:
    assert len(text.encode()) == size
    one = np.array([[text]], object)
    assert bits(hashes_of(one)) == [farm]
    assert bits(hashes_of(one, KEY)) == [sip]


def test_siphash_has_the_vector_of_its_paper() -> None:
    text = bytes(range(15)).decode()
    assert bits(hashes_of(np.array([text], object), KEY)) == [0xA129CA6149BE45E5]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=9))
@pytest.mark.parametrize("key", [None, KEY])
def test_a_text_has_one_hash_alone_and_among_many_of_its_length(
    key: bytes | None, texts: list[str]
) -> None:
    fellows = [text + chr(97 + place) * 3 for text in texts for place in range(20)]
    many = np.empty((len(fellows), 1), object)
    many[:, 0] = fellows
    alone = [hashes_of(many[row : row + 1], key)[0, 0] for row in range(len(many))]
    assert hashes_of(many, key)[:, 0].tolist() == alone


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=4))
def test_any_text_has_the_hash_of_the_pages_own_lines(texts: list[str]) -> None:
    page = page_functions()
    many = np.array([*texts, ""], object)
    plain = [text.encode() for text in many]
    assert bits(hashes_of(many)) == [page["farmhash64"](one) for one in plain]
    assert bits(hashes_of(many, KEY)) == [page["siphash24"](one, KEY) for one in plain]


def test_numbers_are_hashed_as_their_digits() -> None:
    whole = np.array([[0, -17], [2**63 - 1, -(2**63)]], np.int64)
    digits = np.array([["0", "-17"], ["9223372036854775807", "-9223372036854775808"]], object)
    assert hashes_of(whole).tolist() == hashes_of(digits).tolist()
    parts = np.array([-0.9, 16777217.0, 2.0**63 - 2.0**39], np.float32)
    cut = np.array(["0", "16777216", "9223371487098961920"], object)
    assert hashes_of(parts).tolist() == hashes_of(cut).tolist()


def test_no_rows_have_no_hashes() -> None:
    assert hashes_of(np.empty((0, 2), object)).shape == (0, 2)
