"""Of several amendments the last holds before its cut, and what is asked for leads on."""

from __future__ import annotations

import json

import pytest

from ops.amended import NOTHING, Amended, amended_by, amendments, last_of, leads_to
from schemas.topics import COMMANDS, RECYCLE, USAGE
from streams.log import Segment
from tests.ops.test_course import messages

FIRST = Amended("A-1", "a", "b", {"usage.v1/0": 3})
SECOND = Amended("A-2", "b", "a", {"usage.v1/0": 5, "recycle.v1/0": 1})


def command(of: Amended) -> bytes:
    """An amendment as it is asked for."""
    said = {"id": of.id, "from": of.from_id, "to": of.to_id, "cut": of.cut, "rows": []}
    return json.dumps({"amend": said}).encode()


def test_amendments_are_read_from_commands_once_each() -> None:
    """Each is on every settlement partition; closes, declarations and rubbish are none."""
    values = [command(FIRST), b'{"close": {}}', b"rubbish", None, b"[]", command(SECOND)]
    whole = messages(COMMANDS.name, 0, range(6))
    log = [Segment(COMMANDS.name, p, whole.offsets, whole.keys, values, 6, 0) for p in (0, 1)]
    assert amendments(lambda _: iter(log)) == [FIRST, SECOND]


@pytest.mark.parametrize(
    "said",
    [
        b'{"amend": 1}',
        b'{"amend": {"id": "x"}}',
        b'{"amend": {"id": "x", "from": "a", "to": "b", "cut": []}}',
        b'{"amend": {"id": "x", "from": "a", "to": "b", "cut": {"usage.v1/0": "much"}}}',
    ],
)
def test_what_makes_no_sense_is_no_amendment(said: bytes) -> None:
    """It is refused where it would be carried out, and holds for nothing."""
    assert amended_by(said) is None


def test_the_last_one_holds_before_its_cut() -> None:
    """Messages 0 to 4 are the amendment's, though a segment goes on; the rest keep theirs."""
    assert last_of([]) is NOTHING
    holding = last_of([FIRST, SECOND])
    whole = messages(USAGE.name, 0, range(3, 8))
    met = [(name, s.offsets.tolist()) for name, s in holding.over([("c", whole)])]
    assert met == [("a", [3, 4]), ("c", [5, 6, 7])]
    other = messages(USAGE.name, 1, range(2))
    assert [name for name, _ in holding.over([("c", other)])] == ["c"]
    asked = [holding.holds(RECYCLE.name, 0, at) for at in (0, 1)]
    assert asked == [True, False]
    assert not NOTHING.holds(USAGE.name, 0, 0)


@pytest.mark.parametrize(("at", "leads"), [("a", "a"), ("b", "a"), ("c", "c")])
def test_a_settlement_is_led_from_where_it_stands(at: str, leads: str) -> None:
    """There and back again; one that stands elsewhere stays."""
    assert leads_to([FIRST, SECOND], at) == leads
    assert leads_to([FIRST], "a") == "b"
