"""Shares of charges: by hand, in cascades, with receivers missing; nothing is lost on the way."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codes import Reason
from schemas.records import codec
from schemas.topics import SUSPENSE
from state.invariants import InvariantViolation
from state.tables import NONE, Tables
from streams import shares, sharing
from streams.families import Ints
from streams.rating import Rated, rate
from streams.shares import Pairs
from streams.sharing import missing_receiver, share
from tests.builders import tables
from tests.hop_makers import RateBench, latest
from tests.makers import legs_of, usage
from tests.sharing_makers import (
    PART,
    PRICE,
    RECEIVED,
    SALE,
    TERMS,
    agreement,
    directory,
    sale,
    seller,
    shops,
    split,
)

CASCADE = (
    agreement("ALFA-1", f"{SALE}, {PRICE}, {split('largest_remainder', '60', '40')}}}"),
    agreement(
        "SHOP-2",
        f"{PART}, {RECEIVED}, split: {{rule: first_parts, parties: "
        "[{percent: 50}, {agreement: ORIG-3, item: part, percent: 50}]}}",
    ),
    agreement("ORIG-3", f"{PART}, {RECEIVED}}}"),
)


def shared(known: Tables, *messages: bytes) -> Rated:
    """Messages, rated and shared."""
    batch = usage(*messages)
    return share(batch, rate(batch, legs_of(batch, known)[0], known), known)


def told(rated: Rated, known: Tables) -> list[tuple[str, int, int, int]]:
    """Of each leg the agreement, quantity, charge in cents, and which leg it is a share of."""
    sender = [NONE] * len(rated) if rated.shares is None else rated.shares.sender.tolist()
    names = [known.agreements[code].name for code in rated.legs.agreement.tolist()]
    cents = (rated.charge_micros // 10_000).tolist()
    return list(zip(names, rated.quantity.tolist(), cents, sender, strict=True))


def test_a_charge_is_divided(tmp_path: Path) -> None:
    """15 cents in 80, 8 and 12 %: 12, 1.2 and 1.8, of which the last gets the cent that is left."""
    known = seller(tmp_path, split("largest_remainder", "80", "8", "12"), 2)
    rated = shared(known, sale(150_000))
    assert told(rated, known) == [
        ("ALFA-1", 150_000, 12, NONE),
        ("SHOP-2", 150_000, 1, 0),
        ("SHOP-3", 150_000, 2, 0),
    ]
    assert rated.shares is not None
    assert (rated.shares.divided.tolist(), rated.shares.whole_micros[0]) == (
        [True, False, False],
        150_000,
    )
    assert rated.period.tolist() == [rated.period[0]] * 3
    assert known.items[rated.legs.item[1]].name == "part"


def test_a_refund_is_divided_as_its_mirror(tmp_path: Path) -> None:
    """What everybody got from a sale comes back with the refund."""
    known = seller(tmp_path, split("first_parts", "1/3", "1/3", "1/3"), 2)
    there, back = (shared(known, sale(micros)) for micros in (1_000_000, -1_000_000))
    assert [cents for *_, cents, _ in told(there, known)] == [34, 33, 33]
    assert there.charge_micros.tolist() == (-back.charge_micros).tolist()


def test_the_residue_stays_with_the_first_leg(tmp_path: Path) -> None:
    """0.155 is rounded to 0.16: the residue of -0.005 is told once, beside the agreement's part."""
    known = seller(tmp_path, split("largest_remainder", "50", "50"), 1)
    rated = shared(known, sale(155_000))
    assert rated.charge_micros.tolist() == [80_000, 80_000]
    assert rated.residue.tolist() == [-5_000 * 10**9, 0]


def test_shares_are_shared(tmp_path: Path) -> None:
    """Of 1.01 the shop gets 40 % = 0.404 -> 0.40, and gives half of that on."""
    known = tables(directory(tmp_path, *CASCADE))
    rated = shared(known, sale(1_010_000), sale(30_000, 2))
    assert told(rated, known) == [
        ("ALFA-1", 1_010_000, 61, NONE),
        ("ALFA-1", 30_000, 2, NONE),
        ("SHOP-2", 1_010_000, 20, 0),
        ("SHOP-2", 30_000, 1, 1),  # 3 cents: 1.8 and 1.2; then 0.5 and 0.5, the first has it
        ("ORIG-3", 400_000, 20, 2),
        ("ORIG-3", 10_000, 0, 3),
    ]


def test_the_receivers_version_at_event_time_receives(tmp_path: Path) -> None:
    """Two versions of the receiver, two items; before the first one the event waits."""
    text = agreement("SHOP-2", f"{PART}, {RECEIVED}}}", TERMS.replace("2026-01-01", "2026-12-01"))
    own = agreement("ALFA-1", f"{SALE}, {PRICE}, {split('largest_remainder', '60', '40')}}}")
    known = tables(directory(tmp_path, own, text))
    rated = shared(known, sale(1_000_000))
    assert rated.reason.tolist() == [Reason.NO_RECEIVER]
    bench = RateBench(known, tmp_path / "state")
    bench.settle(sale(1_000_000))
    assert bench.outcomes() == {"suspended/no_receiver": 1}
    [value] = latest(bench.broker, SUSPENSE.name).values()
    assert codec("suspense.avsc").decode(value)["missing"] == "agreement:SHOP-2"
    assert [len(block.sums) for block in bench.blocks()] == [0]
    bench.end()


def test_a_suspended_share_is_settled_once_its_receiver_is_there(tmp_path: Path) -> None:
    """The event is tried again as a whole: one outcome, all its legs."""
    late = agreement("SHOP-2", f"{PART}, {RECEIVED}}}", TERMS.replace("2026-01-01", "2026-12-01"))
    own = agreement("ALFA-1", f"{SALE}, {PRICE}, {split('largest_remainder', '60', '40')}}}")
    bench = RateBench(tables(directory(tmp_path / "before", own, late)), tmp_path / "state")
    bench.settle(sale(1_000_000))
    bench.hop.use(tables(directory(tmp_path / "after", own, shops(1))))
    bench.recycle()
    assert bench.outcomes() == {"rated/none": 1}
    sums = bench.blocks()[-1].sums
    names = [text.partition("\x1f")[0] for text in sums.series.to_pylist()]
    of = [names[code] for code in sums.code.tolist()]
    found = zip(of, sums.charge_micros.tolist(), strict=True)
    assert dict(found) == {"ALFA-1": 600_000, "SHOP-2": 400_000}
    bench.end()


def test_a_receiver_behind_another_is_named_when_it_is_missing(tmp_path: Path) -> None:
    """Of a cascade, the one that has no version; nobody where nobody is missing."""
    late = agreement("ORIG-3", f"{PART}, {RECEIVED}}}", TERMS.replace("2026-01-01", "2026-12-01"))
    batch = usage(sale(1))
    found = [
        missing_receiver(batch, 0, tables(directory(tmp_path / name, *CASCADE[:2], last)))
        for name, last in (("late", late), ("there", CASCADE[2]))
    ]
    assert found == ["ORIG-3", ""]


def test_an_event_without_a_price_is_not_divided(tmp_path: Path) -> None:
    """A sale in another currency waits for that reason, and nobody receives."""
    known = seller(tmp_path, split("largest_remainder", "60", "40"), 1)
    rated = shared(known, sale(1_000_000, retail_currency="USD"), sale(1_000_000, 2))
    assert rated.reason.tolist() == [Reason.CURRENCY_MISMATCH, 0, 0]
    assert told(rated, known)[2] == ("SHOP-2", 1_000_000, 40, 1)


def test_without_splits_legs_are_the_same_ones(tmp_path: Path) -> None:
    """What nobody divides costs nothing: not even a copy."""
    known = tables(directory(tmp_path, agreement("ALFA-1", f"{SALE}, {PRICE}}}"), shops(1)))
    batch = usage(sale(5))
    rated = rate(batch, legs_of(batch, known)[0], known)
    assert share(batch, rated, known) is rated
    assert rated.shares is None


def test_received_items_cover_no_usage(tmp_path: Path) -> None:
    """A sale by the shop's own channel has no item, though it has a received one."""
    known = seller(tmp_path, split("largest_remainder", "60", "40"), 1)
    legs, _ = legs_of(usage(sale(5, channel="C-2")), known)
    assert legs.reason.tolist() == [Reason.NO_ITEM]


def test_parts_that_do_not_add_up_stop_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong division is noticed before anything of the batch is committed."""
    known = seller(tmp_path, split("largest_remainder", "60", "40"), 1)
    right = shares.divide

    def wrong(*arguments: Any) -> tuple[Pairs, Ints]:  # noqa: ANN401
        pairs, parts = right(*arguments)
        return pairs, parts + 1

    monkeypatch.setattr(sharing, "divide", wrong)
    with pytest.raises(InvariantViolation, match="add up to the whole"):
        shared(known, sale(1_000_000))


AMOUNTS = st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=12)


@settings(max_examples=30)
@given(amounts=AMOUNTS, cut=st.integers(0, 12))
def test_any_batching_divides_alike_and_loses_nothing(amounts: list[int], cut: int) -> None:
    """The legs of a batch are those of its halves, and add up to what was charged."""
    with tempfile.TemporaryDirectory() as path:
        known = tables(directory(Path(path), *CASCADE))
    messages = [sale(micros, number) for number, micros in enumerate(amounts, 1)]
    whole = shared(known, *messages)
    halves = [shared(known, *part) for part in (messages[:cut], messages[cut:]) if part]
    found = [leg[:3] for half in halves for leg in told(half, known)]
    assert sorted(found) == sorted(leg[:3] for leg in told(whole, known))
    batch = usage(*messages)
    undivided = rate(batch, legs_of(batch, known)[0], known)
    assert whole.charge_micros.sum() == undivided.charge_micros.sum()
    assert len(whole) == 3 * len(amounts)
