"""Close groups from what deals are over."""

from __future__ import annotations

from streams.pools import group_of, joined, qualified


def test_deals_over_items_of_others_join() -> None:
    """Directly or through a third; who is in no such deal is alone."""
    groups = joined({"C": ["data", "B/data"], "A": ["B/texts"], "D": ["data"], "F": ["E/data"]})
    assert groups == {
        **dict.fromkeys("ABC", ("A", "B", "C")),
        **dict.fromkeys("EF", ("E", "F")),
    }
    assert group_of(groups, "B") == ("A", "B", "C")
    assert group_of(groups, "D") == ("D",)


def test_an_item_is_named_with_its_agreement() -> None:
    """As `over` names it."""
    assert qualified("ALFA-2", "data") == "ALFA-2/data"
