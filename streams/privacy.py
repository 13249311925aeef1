"""Subscribers leave the rate hop only as keyed tokens.

Numbers are few and structured, so an unkeyed hash protects nothing; a token is a keyed BLAKE2b of
the number. What must stay usable for attribution (the range a number is in) stays in clear as
leading digits, the rest becomes zeros. Only raw `usage.v1` holds more.
"""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa

CLEAR_DIGITS = 9
TOKEN_BYTES = 12
# In front of every token of Weir's own, which is never tokenised again.
TOKEN_MARK = "t:"  # noqa: S105 - no secret


class Tokens:
    """Makes tokens under one key."""

    def __init__(self, key: bytes) -> None:
        # Copying a hasher that has taken in the key is quicker than keying a new one.
        self._keyed = blake2b(digest_size=TOKEN_BYTES, key=key)

    def of(self, number: str) -> str:
        """The token of a number or of a feed's own token; a token of Weir's own stays as it is."""
        if number.startswith(TOKEN_MARK):
            return number
        hasher = self._keyed.copy()
        hasher.update(number.encode())
        return TOKEN_MARK + hasher.hexdigest()

    def column(self, numbers: pa.Array, given: pa.Array) -> pa.Array:
        """Tokens of a column of numbers; where the feed gave a token, that one is hashed on."""
        if numbers.null_count == len(numbers):
            return pa.nulls(len(numbers), pa.string())
        merged = given.fill_null(numbers) if given.null_count < len(given) else numbers
        of = self.of
        return pa.array([None if n is None else of(n) for n in merged.to_pylist()], pa.string())


def mask(number: str) -> str:
    """A number with only its leading digits left; its length stays, as it tells an IMSI."""
    return number[:CLEAR_DIGITS] + "0" * max(0, len(number) - CLEAR_DIGITS)
