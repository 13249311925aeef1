"""Margins of events that are owed for on both sides: by hand, and where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.codes import Service
from schemas.topics import USAGE
from state.tables import Tables
from streams.margins import NO_MARGIN, losses, with_margins
from streams.rating import Rated
from tests.builders import agreement_text, reference_dir, tables
from tests.hop_makers import RateBench
from tests.makers import rated_of, usage
from tests.usage_makers import message, row

KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,IN,ALFA-1,,\nroute,OUT,BRAVO-1,,\n"
MINUTE = "price: {kind: unit, per: minute, amount: %s}"


def call(sequence: int = 1, *, out: bool = True, **fields: object) -> bytes:
    """A call of a minute that comes in, and mostly goes out."""
    given = {"sequence": sequence, "ingress_route": "IN", "duration_ms": 60_000}
    more = {"egress_route": "OUT"} if out else {}
    return message(Service.VOICE, row(Service.VOICE, **(given | more | fields)))


def known(path: Path, sold: str, bought: str, terms: str = "currency: EUR") -> Tables:
    """What a minute is sold and bought for, as prices; `terms` are those of who carries it on."""
    sells = f"{{item: sold, role: ingress, service: voice, flow: receivable, {sold}}}"
    buys = f"{{item: bought, role: egress, service: voice, flow: payable, {bought}}}"
    since = "valid_from: 2024-01-01, zone: UTC"
    text = agreement_text(sells, terms=f"{since}, currency: EUR")
    text += agreement_text(buys, name="BRAVO-1", partner="BRAVO", terms=f"{since}, {terms}")
    return tables(reference_dir(path, agreements=text, attribution=KEYS))


def margins(tables_: Tables, *messages: bytes) -> Rated:
    """The legs of some calls with their margins."""
    return with_margins(rated_of(usage(*messages), tables_), tables_)


@pytest.mark.parametrize(
    ("sold", "bought", "margin", "lost"),
    [("0.010", "0.012", -2_000, 1), ("0.012", "0.010", 2_000, 0), ("0.01", "0.01", 0, 0)],
)
def test_a_margin_is_what_is_owed_less_what_it_costs(
    tmp_path: Path, sold: str, bought: str, margin: int, lost: int
) -> None:
    """Both legs have it; one of nothing is no loss."""
    found = margins(known(tmp_path, MINUTE % sold, MINUTE % bought), call())
    assert found.margin_micros is not None
    assert found.margin_micros.tolist() == [margin, margin]
    assert losses(found) == lost


def test_only_events_with_both_sides_have_a_margin(tmp_path: Path) -> None:
    """Beside each other in one batch; kept when legs are taken."""
    both = known(tmp_path, MINUTE % "0.01", MINUTE % "0.02")
    found = margins(both, call(1), call(2, out=False), call(3))
    assert found.margin_micros is not None
    assert found.margin_micros.tolist() == [-10_000, NO_MARGIN, -10_000, -10_000, -10_000]
    assert found.take(slice(1, 3)).margin_micros.tolist() == [NO_MARGIN, -10_000]  # type: ignore[union-attr]
    assert losses(found) == 2
    alone = margins(both, call(2, out=False))
    assert (alone.margin_micros, losses(alone)) == (None, 0)


def test_what_is_not_comparable_has_no_margin(tmp_path: Path) -> None:
    """Two currencies, or a price of the period."""
    tiers = "price: {kind: tiers, per: minute, tiers: [{price: 1}]}"
    for name, bought, terms in (
        ("a", MINUTE % "1", "currency: USD"),
        ("b", tiers, "currency: EUR"),
    ):
        found = margins(known(tmp_path / name, MINUTE % "0.01", bought, terms), call())
        assert found.margin_micros is None


def test_a_batch_counts_its_losses(tmp_path: Path) -> None:
    """Once an event, when it is rated and not when it is repeated."""
    bench = RateBench(known(tmp_path, MINUTE % "0.01", MINUTE % "0.02"), tmp_path / "state")
    counted = []
    for messages in ([call(1), call(1), call(2)], [call(1)]):
        bench.broker.append(USAGE.name, 0, [(b"msc-1", value) for value in messages])
        work = bench.loop.step().work
        assert work is not None
        counted.append(work.delta.losses)
    assert counted == [2, 0]
    bench.end()
