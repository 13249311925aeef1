"""Subscribers leave the rate hop only as keyed tokens.

Numbers are few and structured, so an unkeyed hash protects nothing. A number of up to 15 digits is
one block of AES-256, so the token of a number is what the cipher makes of it under the deployment's
key, cut to 96 bits: a whole column is one call. Any other text, such as a feed's own token, goes
through keyed BLAKE2b instead. What must stay usable for attribution (the range a number is in)
stays in clear as leading digits, the rest becomes zeros. Only raw `usage.v1` holds more.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from state.prefixes import justify

Ranks = npt.NDArray[np.int64]

CLEAR_DIGITS = 9
TOKEN_BYTES = 12
BLOCK_BYTES, BLOCK_KEY_BYTES = 16, 32
# In front of every token of Weir's own, which is never tokenised again.
TOKEN_MARK = "t:"  # noqa: S105 - no secret
TOKEN_CHARACTERS = len(TOKEN_MARK) + 2 * TOKEN_BYTES
HEX = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)  # two characters a byte


class Tokens:
    """Makes tokens under one key."""

    def __init__(self, key: bytes) -> None:
        # Copying a hasher that has taken in the key is quicker than keying a new one.
        self._keyed = blake2b(digest_size=TOKEN_BYTES, key=key)
        block_key = blake2b(digest_size=BLOCK_KEY_BYTES, key=key, person=b"weir numbers").digest()
        # Blocks need no chaining: each is one number, and equal numbers must have equal tokens.
        self._cipher = Cipher(AES(block_key), ECB())  # noqa: S305 - see above

    def of(self, text: str) -> str:
        """The token of a number or of a feed's own token; a token of Weir's own stays as it is."""
        named = pa.array([text], pa.string())
        token: str = self._tokens(named, justify(named))[0].as_py()
        return token

    def column(self, numbers: pa.Array, ranks: Ranks, given: pa.Array) -> pa.Array:
        """Tokens of a column of numbers; where the feed gave a token, that one is hashed on.

        Args:
            numbers: the numbers, null where there is none.
            ranks: their ranks, see `state.prefixes.justify`.
            given: the feed's own tokens.
        """
        named = numbers
        if given.null_count < len(given):
            named = given.fill_null(numbers)
            instead = given.is_valid().to_numpy(zero_copy_only=False)
            ranks = np.where(instead, justify(given), ranks)
        if named.null_count == len(named):
            return pa.nulls(len(named), pa.string())
        if named.null_count == 0:
            return self._tokens(named, ranks)
        present = named.is_valid().to_numpy(zero_copy_only=False)
        tokens = self._tokens(named.drop_null(), ranks[present])
        # The same text once more, with an empty one in every place that has none.
        places = np.frombuffer(tokens.buffers()[1], np.int32)
        offsets = places[np.concatenate([[0], np.cumsum(present)])]
        return pa.StringArray.from_buffers(
            len(named), pa.py_buffer(offsets), tokens.buffers()[2], pa.array(present).buffers()[1]
        )

    def _tokens(self, named: pa.Array, ranks: Ranks) -> pa.Array:
        """A token for each text of a column without nulls, written straight into its buffers."""
        digests = self._of_ranks(ranks)
        odd = np.flatnonzero(ranks < 0)
        for row in odd.tolist():
            hasher = self._keyed.copy()
            hasher.update(named[row].as_py().encode())
            digests[row] = np.frombuffer(hasher.digest(), np.uint8)
        text = np.empty((len(named), TOKEN_CHARACTERS), np.uint8)
        text[:, : len(TOKEN_MARK)] = np.frombuffer(TOKEN_MARK.encode(), np.uint8)
        text[:, len(TOKEN_MARK) :] = HEX[digests].view(np.uint8)
        offsets = np.arange(len(named) + 1, dtype=np.int32) * np.int32(TOKEN_CHARACTERS)
        tokens = pa.StringArray.from_buffers(len(named), pa.py_buffer(offsets), pa.py_buffer(text))
        if len(odd) == 0:
            return tokens
        return pc.if_else(pc.starts_with(named, TOKEN_MARK), named, tokens)

    def _of_ranks(self, ranks: Ranks) -> npt.NDArray[np.uint8]:
        """The leading bytes of each rank's block."""
        blocks = np.zeros((len(ranks), BLOCK_BYTES // ranks.itemsize), np.int64)
        blocks[:, 0] = ranks
        encryptor = self._cipher.encryptor()
        sealed = np.frombuffer(encryptor.update(blocks.tobytes()) + encryptor.finalize(), np.uint8)
        return sealed.reshape(len(ranks), BLOCK_BYTES)[:, :TOKEN_BYTES].copy()


def mask(number: str) -> str:
    """A number with only its leading digits left; its length stays, as it tells an IMSI."""
    return number[:CLEAR_DIGITS] + "0" * max(0, len(number) - CLEAR_DIGITS)
