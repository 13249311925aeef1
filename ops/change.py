"""Files of notifications: cut into messages without changing a byte of any of them.

A file holds notifications one a line, one after another over several lines each, or as one JSON
array. What a master wrote is sent as it was written: a number is not rounded, a text not escaped
anew. What is no JSON is sent too, a line a message, since its place is among the exceptions and not
in a file that somebody forgets.
"""

from __future__ import annotations

import json

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECODER = json.JSONDecoder()


def notifications_in(content: bytes) -> list[bytes]:
    """The notifications of a file, each as its bytes."""
    content = content.removeprefix(BYTE_ORDER_MARK)
    try:
        text = content.decode()
        values = _values(text, 0, len(text))
    except (ValueError, RecursionError):
        return [line.strip() for line in content.splitlines() if line.strip()]
    if len(values) == 1 and values[0].startswith("["):
        inner = values[0][1:-1]
        values = _values(inner, 0, len(inner), ",")
    return [value.encode() for value in values]


def _values(text: str, at: int, end: int, between: str = "") -> list[str]:
    """The JSON values of a text, as they are written.

    Raises:
        ValueError: there is something else in it.
    """
    found = []
    while (at := _skipped(text, at, end)) < end:
        _, upto = _DECODER.raw_decode(text, at)
        found.append(text[at:upto])
        at = _skipped(text, upto, end)
        at += len(between) if text.startswith(between, at) else 0
    return found


def _skipped(text: str, at: int, end: int) -> int:
    """Where the blanks at a place end."""
    while at < end and text[at] in " \t\r\n":
        at += 1
    return at
