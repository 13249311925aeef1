"""Numbers of people leave as keyed tokens and leading digits only."""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from state.prefixes import justify
from streams.privacy import Tokens, mask


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("491701234567", "491701234000"),  # twelve digits: nine stay, three become zeros
        ("262011234567890", "262011234000000"),  # an IMSI keeps its fifteen places
        ("491701234", "491701234"),
        ("49", "49"),
        ("", ""),
    ],
)
def test_a_masked_number_keeps_nine_digits_and_its_length(number: str, masked: str) -> None:
    """What attribution may need stays; what tells one person from another does not."""
    assert mask(number) == masked


def test_tokens_depend_on_number_and_key() -> None:
    """One number has one token under one key; another key or number has another."""
    tokens = Tokens(b"one")
    assert tokens.of("49170") == Tokens(b"one").of("49170")
    assert len({tokens.of("49170"), tokens.of("49171"), Tokens(b"two").of("49170")}) == 3


def test_a_column_has_the_token_of_each_number() -> None:
    """A token given by the feed is hashed in the number's place; no number has no token."""
    tokens = Tokens(b"one")
    numbers = pa.array(["1", None, "1", "2"], pa.string())
    given = pa.array([None, None, "t", None], pa.string())
    expected = [tokens.of("1"), None, tokens.of("t"), tokens.of("2")]
    assert tokens.column(numbers, justify(numbers), given).to_pylist() == expected
    none = pa.nulls(4, pa.string())
    assert tokens.column(none, justify(none), none).to_pylist() == [None] * 4
    assert tokens.column(none, justify(none), given).to_pylist() == [
        None,
        None,
        tokens.of("t"),
        None,
    ]


def test_a_tokens_column_does_not_depend_on_its_neighbours() -> None:
    """Numbers, texts of any kind, marked tokens: each has the token it has alone, none is alike."""
    tokens = Tokens(b"one")
    texts = ["1", "01", "10", "491701234567", "262011234567890", "4917012345678901", "x", "", "t:9"]
    numbers = pa.array(texts, pa.string())
    column = tokens.column(numbers, justify(numbers), pa.nulls(len(texts), pa.string()))
    assert column.to_pylist() == [tokens.of(text) for text in texts]
    assert len(set(column.to_pylist())) == len(texts)
    assert all(len(token) == 26 for token in column.to_pylist()[:-1])


def test_a_number_has_the_token_that_the_cipher_makes_of_it() -> None:
    """The rank of "1" is 1 + 1111...1 (15 ones), see state.prefixes, sealed in one AES block.

    Ranks count all digit strings in dictionary order, the empty one being 0: before "1" stand the
    strings that begin with "0", of which there are 1 + 10 + ... + 10^14 = 111,111,111,111,111.
    """
    key = blake2b(digest_size=32, key=b"one", person=b"weir numbers").digest()
    block = (111_111_111_111_111 + 1).to_bytes(16, "little")
    sealed = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # noqa: S305 - one block
    assert Tokens(b"one").of("1") == "t:" + sealed[:12].hex()


def test_a_token_is_never_tokenised_again() -> None:
    """What suspense keeps comes back as the same token when the usage is tried again."""
    tokens = Tokens(b"key")
    assert tokens.of(tokens.of("4915112345678")) == tokens.of("4915112345678")
