"""The oracle's close groups, and how it names lines of other agreements."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ops.oracle_deals import Place
from ops.oracle_pools import as_seen_by, close_groups, stated_beside
from tests.ops.oracle_makers import item, reference, unit, version

PLACE = Place(3, "voice-in", "EUR", "2026-11")
NOTHING = (Fraction(0), Fraction(0))


def test_groups_are_walked(tmp_path: Path) -> None:
    """A is over B, C over B too: all three close together, D by itself."""
    deal = "[{deal: d, flow: receivable, over: [B/voice-in], price: {kind: bounds, maximum: 1}}]"
    plain, over = version(item(unit("minute", "1"))), version(item(unit("minute", "1")), deals=deal)
    found = close_groups(
        reference(tmp_path, {"A": [over], "B": [plain], "C": [over], "D": [plain]})
    )
    assert {name: sorted(group) for name, group in found.items()} == {
        **{name: ["A", "B", "C"] for name in "ABC"},
        "D": ["D"],
    }


def test_lines_of_others_have_their_name_and_no_version() -> None:
    """Two versions of another agreement stay apart from each other and from all of one's own."""
    lines = {PLACE: 1, PLACE._replace(version=4): 2}
    assert dict(as_seen_by("A", "A", lines)) == lines
    seen = dict(as_seen_by("A", "B", lines))
    assert [place.item for place in seen] == ["B/voice-in"] * 2
    assert len({place.version for place in seen}) == 2
    assert all(place.version < 0 for place in seen)


def test_what_is_stated_beside() -> None:
    """Lines of the group by period, none of an agreement outside."""
    usage = {(name, "2026-11"): {PLACE: NOTHING} for name in "ABX"}
    found = stated_beside("A", ["A", "B"], usage)
    assert {place.item for place in found["2026-11"]} == {"voice-in", "B/voice-in"}
