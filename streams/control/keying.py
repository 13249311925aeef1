"""Whether a key can stand in `attribution.csv`, and the rows of keys that can.

What a master calls a thing may be anything; what usage is recognised by must keep the rules of the
reference file, or nothing could be taken over. A key that breaks them is left out and told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from schemas.fields import DIGITS, DIGITS_ADVICE, NAME, NAME_ADVICE
from schemas.keys import KEY_LENGTH_MAX, RANGE_ADVICE, RANGE_DIGITS_MAX, RANGES, kind_of
from schemas.moments import FIRST_YEAR, LAST_YEAR
from state.entities import FOREVER_US
from streams.control.derived import Key
from streams.control.in_service import Span, joined
from streams.control.times import MICROSECONDS, moment, whole_second

Holding = tuple[str, str, str]
"""Kind, key and agreement: a key that an agreement holds at some time."""

_FIRST_S = int(datetime(FIRST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
_LAST_S = int(datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp())


def problem(kind: str, key: str, agreement: str) -> str:
    """Why a key cannot stand in `attribution.csv`, as a sentence; empty when it can."""
    try:
        code = kind_of(kind)
    except ValueError as error:
        return str(error)
    is_plain = not any(unicodedata.category(letter)[0] == "C" for letter in key)
    if not is_plain or not 0 < len(key) <= KEY_LENGTH_MAX or key != key.strip():
        return f"the key {key!r} is not 1 to {KEY_LENGTH_MAX} letters; give it another one"
    if code in RANGES and not re.fullmatch(DIGITS, key):
        return f"the key {key!r} {DIGITS_ADVICE}"
    if code in RANGES and len(key) > RANGE_DIGITS_MAX:
        return f"the key {key!r} {RANGE_ADVICE}"
    if not re.fullmatch(NAME, agreement, re.ASCII):
        return f"the agreement {agreement!r} is not a name; {NAME_ADVICE}"
    return ""


def rows(spans: Mapping[Holding, Iterable[Span]]) -> Sequence[Key]:
    """The rows of keys, sorted; what one agreement holds of a key is joined where it touches.

    Moments become whole seconds, and what lies within one second holds no usage. Before the first
    and after the last year that reference files know, an end is open.
    """
    found = []
    for (kind, key, agreement), held in spans.items():
        whole = (Span(whole_second(s.from_us), _upto_second(s.upto_us)) for s in held)
        for from_s, upto_s in joined(s for s in whole if s.from_us < s.upto_us):
            if from_s < _LAST_S and upto_s > _FIRST_S:
                since = moment(from_s * MICROSECONDS) if from_s >= _FIRST_S else ""
                until = moment(upto_s * MICROSECONDS) if upto_s < _LAST_S else ""
                found.append(Key(kind, key, agreement, since, until))
    return sorted(found)


def _upto_second(upto_us: int) -> int:
    """The second before which something ends; an open end stays far away."""
    return upto_us if upto_us == FOREVER_US else whole_second(upto_us)
