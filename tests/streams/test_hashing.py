"""Digests are stored: they must be the same for ever, and not depend on their neighbours."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from streams.hashing import NULL_DIGEST, mix, text_digests

TEXTS = st.lists(st.none() | st.text(max_size=300), min_size=1, max_size=8)
MASK = 2**64 - 1


def mixed(value: int) -> int:
    """SplitMix64's finaliser in plain integers, as its authors publish it."""
    z = (value + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def digest(text: str, salt: int = 0) -> int:
    """The digest of one text, byte by byte in plain integers."""
    data, total = text.encode(), 0
    for place, byte in enumerate(data):
        weight = mixed(((place + (salt << 32)) * 0x9E3779B97F4A7C15) & MASK) | 1
        total = (total + (byte + 1) * weight) & MASK
    return mixed(total ^ len(data))


@given(st.lists(st.integers(0, MASK), min_size=1))
def test_mix_is_the_published_finaliser(values: list[int]) -> None:
    """Columns are mixed as single numbers are."""
    assert mix(np.array(values, np.uint64)).tolist() == [mixed(value) for value in values]


def test_mix_gives_the_published_first_number() -> None:
    """SplitMix64 seeded with 0 gives 0xE220A8397B1DCDAF first, as its reference code does."""
    assert int(mix(np.array([0], np.uint64))[0]) == 0xE220A8397B1DCDAF


@given(TEXTS, st.integers(0, 3))
def test_a_text_has_its_digest_wherever_it_stands(texts: list[str | None], salt: int) -> None:
    """In any column, and in any slice of one, a text's digest is computed from it alone."""
    expected = [int(NULL_DIGEST) if text is None else digest(text, salt) for text in texts]
    column = pa.array([None, "x", *texts], pa.string())
    assert text_digests(pa.array(texts, pa.string()), salt).tolist() == expected
    assert text_digests(column.slice(2), salt).tolist() == expected


def test_null_and_empty_differ() -> None:
    """No text and an empty one are told apart."""
    null, empty = text_digests(pa.array([None, ""], pa.string())).tolist()
    assert null != empty
