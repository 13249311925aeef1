"""Where an item may count sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

ROLES = {"voice": "ingress", "data": "subscriber", "sms": "ingress"}
MINUTES = "{kind: unit, per: minute, amount: 1}"
WEEK = """\
- bands: WEEK
  days: {mon-sun: [{from: "00:00", band: all}]}
"""
BANDED = (
    "{kind: unit, per: minute, bands: {of: WEEK, split: SPLIT,"
    " prices: {all: {amount: 1, attempt_fee: FEE, attempt_on: last}}}}"
)


def complaints(directory: Path, service: str, price: str, count: str = "") -> list[str]:
    """What is found in an agreement of one item, without its path."""
    more = f", count: {count}" if count else ""
    item = (
        f"{{item: one, role: {ROLES[service]}, service: {service}, flow: receivable{more}, "
        f"price: {price}}}"
    )
    others = {"bands.yaml": WEEK}
    text = agreement_text(item)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    found = complaints_of(
        reference_dir(directory, agreements=text, attribution=keys, others=others)
    )
    return [text.partition("items[0].")[2] for text in found]


@pytest.mark.parametrize(
    ("service", "price", "count"),
    [
        ("voice", MINUTES, "{whole: session, initial: 60, next: 6}"),
        ("voice", MINUTES, "{whole: legs}"),
        ("data", "{kind: unit, per: megabyte, amount: 1}", "{whole: session}"),
        ("voice", "{kind: deck, deck: STANDARD}", "{whole: session}"),
        ("voice", "{kind: tiers, per: minute, tiers: [{price: 1}]}", "{whole: session}"),
        ("voice", BANDED.replace("SPLIT", "start_band").replace("FEE", "1"), "{whole: session}"),
        ("voice", BANDED.replace("SPLIT", "round_each_band").replace("FEE", "1"), "{whole: legs}"),
        ("data", "{kind: unit, per: second, amount: 1, attempt_fee: 1, attempt_on: last}", ""),
    ],
)
def test_what_goes_on_is_taken(tmp_path: Path, service: str, price: str, count: str) -> None:
    """Time and volume of calls and data sessions, by any price."""
    assert complaints(tmp_path, service, price, count) == []


SHARED = (
    MINUTES[:-1] + "}, split: {rule: first_parts, parties: [{percent: 60},"
    " {agreement: ALFA-1, item: one, percent: 40}]}"
)
DIVIDED = "moves charges later, and what is divided cannot be; remove it, or the split"
NO_FEE = "is for an attempt fee; write attempt_fee, or remove it"
SPLIT = "are not priced together; write split: start_band, or whole: legs"


@pytest.mark.parametrize(
    ("service", "price", "count", "complaint"),
    [
        (
            "sms",
            "{kind: unit, per: unit, amount: 1}",
            "{whole: legs}",
            "count.whole: sms has no sessions; remove it",
        ),
        (
            "voice",
            "{kind: tiers, each: hour, per: minute, tiers: [{price: 1}]}",
            "{whole: session}",
            (
                "count.whole: moves what was counted, and measures and allowances look at events;"
                " keep one"
            ),
        ),
        (
            "voice",
            "{kind: unit, per: event, amount: 1}",
            "{whole: session}",
            "count.whole: is for time and volume, which go on; remove it, or write another per",
        ),
        (
            "voice",
            BANDED.replace("SPLIT", "complete_increment").replace("FEE", "1"),
            "{whole: session}",
            f"count.whole: a session as a whole and complete_increment {SPLIT}",
        ),
        (
            "voice",
            SHARED,
            "{whole: legs}",
            f"count.whole: {DIVIDED}",
        ),
        (
            "voice",
            MINUTES,
            "{whole: call}",
            "count.whole: 'call' is not known; write one of record, legs, session",
        ),
        (
            "voice",
            "{kind: deck, deck: STANDARD, attempt_on: last}",
            "",
            f"price.attempt_on: {NO_FEE}",
        ),
        (
            "voice",
            BANDED.replace("SPLIT", "start_band").replace("FEE", "0"),
            "",
            f"price.bands.prices.all.attempt_on: {NO_FEE}",
        ),
        (
            "sms",
            "{kind: unit, per: unit, amount: 1, attempt_fee: 1, attempt_on: last}",
            "",
            "price.attempt_on: sms does not say which record is the last; remove it",
        ),
        (
            "voice",
            "{kind: deck, deck: STANDARD}",
            "{whole: legs, initial: 60}",
            "count: is said by the deck's own increments; remove it",
        ),
    ],
)
def test_what_does_not_is_refused(
    tmp_path: Path, service: str, price: str, count: str, complaint: str
) -> None:
    """With the place and what to write."""
    assert complaint in complaints(tmp_path, service, price, count)
