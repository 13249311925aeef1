"""Subscribers leave the rate hop only as keyed tokens.

Numbers are few and structured, so an unkeyed hash protects nothing; a token is a keyed BLAKE2b of the
number. What must stay usable for attribution (the range a number is in) stays in clear as leading
digits, the rest becomes zeros. Only raw `usage.v1` holds more.
"""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa

CLEAR_DIGITS = 9
TOKEN_BYTES = 12


class Tokens:
    """Makes tokens under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, number: str) -> str:
        """The token of one number, as hexadecimal digits."""
        return blake2b(number.encode(), digest_size=TOKEN_BYTES, key=self._key).hexdigest()

    def column(self, numbers: pa.Array, given: pa.Array) -> pa.Array:
        """Tokens of a column of numbers; where the feed gave a token, that one is hashed on."""
        if numbers.null_count == len(numbers):
            return pa.nulls(len(numbers), pa.string())
        merged = given.fill_null(numbers) if given.null_count < len(given) else numbers
        encoded = merged.dictionary_encode()
        tokens = pa.array([self.of(n) for n in encoded.dictionary.to_pylist()], pa.string())
        return pa.DictionaryArray.from_arrays(encoded.indices, tokens).cast(pa.string())


def mask(number: str) -> str:
    """A number with only its leading digits left; its length stays, since it tells IMSI from MSISDN."""
    return number[:CLEAR_DIGITS] + "0" * max(0, len(number) - CLEAR_DIGITS)
