"""Files of notifications: whatever their layout, each message has the bytes that were written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.change import notifications_in

ONE, TWO = b'{"a": 1.10, "b": "\\u00e4"}', b'{"a": 2}'


@pytest.mark.parametrize(
    "content",
    [
        ONE + b"\n" + TWO,
        ONE + b"\r\n\n" + TWO + b"\n",
        ONE + TWO,
        b"[" + ONE + b", " + TWO + b"]",
        b"\xef\xbb\xbf [\n" + ONE + b",\n" + TWO + b"\n]\n",
    ],
)
def test_every_layout_has_the_same_two(content: bytes) -> None:
    """Lines, one after another, an array; 1.10 stays 1.10 and the escape an escape."""
    assert notifications_in(content) == [ONE, TWO]


def test_one_over_several_lines_is_one() -> None:
    """As editors lay JSON out."""
    laid_out = json.dumps(json.loads(ONE), indent=1).encode()
    assert notifications_in(laid_out + b"\n") == [laid_out]


def test_several_arrays_are_messages() -> None:
    """Only an array that is the whole file is one of messages; a line may be a batch of its own."""
    assert notifications_in(b"[1]\n[2]") == [b"[1]", b"[2]"]


@pytest.mark.parametrize("bad", [b"{broken", b"\xff\xfe", b"[1, 2", b"[" * 100_000])
def test_what_is_no_json_is_sent_line_by_line(bad: bytes) -> None:
    """One bad line is one message, and those around it stay whole."""
    assert notifications_in(ONE + b"\n" + bad + b"\n" + TWO) == [ONE, bad, TWO]


@given(st.binary())
def test_nothing_written_is_lost(content: bytes) -> None:
    """All that is not blank or between the elements of an array comes out, in order."""
    found = b"".join(notifications_in(content))
    for sign in b"\xef\xbb\xbf", b"[", b"]", b",", *(b"%c" % n for n in b" \t\r\n\v\f\x1c\x1d\x1e"):
        content, found = content.replace(sign, b""), found.replace(sign, b"")
    assert found == content
