"""Events kept apart are readable by the decoder that read them first; in suspense, masked."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.codes import Service
from schemas.columns import Unreadable, decode, encode_unreadable
from streams.framing import framed
from streams.privacy import Tokens
from tests.makers import usage
from tests.usage_makers import Row, message, row, rows_of

TOKENS = Tokens(b"key")
LINES = [Unreadable(0, "file-1", 3, "unreadable_line", "a;b"), Unreadable(0, "f", 4, "x", "ä")]


def values() -> list[bytes]:
    """Two calls and a message of numbers that could be told, and two lines between them."""
    lines = encode_unreadable(LINES).to_pylist()
    return [
        message(Service.SMS, row(sequence=1, calling_number="4915112345678")),
        lines[0],
        message(Service.VOICE, row(Service.VOICE, sequence=2, subscriber="262011234567890")),
        lines[1],
        message(Service.VOICE, row(Service.VOICE, sequence=3, calling_number="49151")),
    ]


def kept(rows: list[int], tokens: Tokens | None = None) -> dict[int, bytes]:
    """Some rows of the batch as framed messages."""
    return framed(usage(*values()), np.array(rows, np.int64), tokens)


def read(value: bytes) -> Row:
    """The one event of a message."""
    decoded = decode([value])
    assert decoded.refused == ()
    [event] = rows_of(decoded)
    return event


def masked(service: Service, **fields: Any) -> Row:  # noqa: ANN401
    """One event as it is after being kept in suspense."""
    batch = usage(message(service, row(service, **fields)))
    [value] = framed(batch, np.array([0]), TOKENS).values()
    return read(value)


def test_what_is_kept_reads_as_it_came() -> None:
    """Each event and line under its row, families first and lines last, nothing lost."""
    batch, given = usage(*values()), values()
    found = kept([0, 1, 2, 3, 4])
    assert list(found) == [0, 1, 2, 3, 4]
    for index, at in enumerate(batch.message.tolist()):
        assert decode([found[index]]).refused == ()
        assert rows_of(decode([found[index]])) == rows_of(decode([given[at]]))
        assert decode([found[index]]).unreadable == decode([given[at]]).unreadable
    # Lines 1 and 3 of the five messages are the last two rows.
    assert batch.message.tolist()[3:] == [1, 3]


def test_only_the_rows_asked_for_are_kept() -> None:
    """One row of a family and one line; the others do not come along, no rows give nothing."""
    batch = usage(*values())
    found = kept([1, 4])
    assert list(found) == [1, 4]
    assert rows_of(decode([found[1]])) == rows_of(decode([values()[batch.message[1]]]))
    [line] = decode([found[4]]).unreadable
    assert line == LINES[1]
    assert kept([]) == {}


def test_subscribers_are_masked() -> None:
    """Nine digits and six zeros of an IMSI stay; the token stands for the whole of it."""
    event = masked(Service.VOICE, subscriber="262011234567890")
    assert event["subscriber"] == "262011234000000"
    assert event["subscriber_token"] == TOKENS.of("262011234567890")
    assert event["calling_number"] is None


def test_a_token_of_the_feed_goes_before_the_number() -> None:
    """The feed's token is hashed on in the number's place, also where there is no number."""
    given = {"subscriber_token": "feed-1"}
    both = masked(Service.VOICE, subscriber="262011234567890", **given)
    assert both["subscriber_token"] == TOKENS.of("feed-1")
    alone = masked(Service.VOICE, **given)
    assert (alone["subscriber"], alone["subscriber_token"]) == (None, TOKENS.of("feed-1"))


def test_calling_numbers_are_masked_and_called_ones_are_not() -> None:
    """The caller is a person, and keeps nine digits; what was called is what a price goes by."""
    event = masked(Service.SMS, calling_number="4915112345678", called_number="4930123456789")
    assert event["calling_number"] == "4915112340000"
    assert event["called_number"] == "4930123456789"


def test_nothing_else_changes_by_masking() -> None:
    """An event without people in it is the same, masked or not; a line stays as it is."""
    plain, hidden = kept([0, 1, 2, 3, 4]), kept([0, 1, 2, 3, 4], TOKENS)
    people = {"subscriber", "subscriber_token", "calling_number"}
    for index in range(3):
        before, after = read(plain[index]), read(hidden[index])
        assert {k: v for k, v in before.items() if k not in people} == {
            k: v for k, v in after.items() if k not in people
        }
    assert [plain[3], plain[4]] == [hidden[3], hidden[4]]


def test_what_was_masked_is_masked_the_same_again() -> None:
    """Suspense that is tried again and kept again does not change."""
    once = kept([0, 1, 2], TOKENS)
    for value in once.values():
        again = framed(usage(value), np.array([0]), TOKENS)
        assert again == {0: value}
