"""Circuits over the edges of periods and versions: the product comes to what the oracle does.

Random worlds (`test_oracle_agreement.py`) have few circuits. Here every message is one, in service
over any instants, under versions that begin and end at any time and price it in any way that time
is priced, in batches of any size and with periods closed on the way.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.codes import Service
from streams import contribution
from tests.band_makers import us
from tests.settled import Settling
from tests.usage_makers import message, row
from tests.world_intervals import price_of_time
from tests.world_usage import Sent
from tests.worlds import MODES, ZONES, World

DAY_US = 86_400_000_000
ROUNDINGS = [
    f"{{place: {place}, mode: {mode}, decimals: {decimals}}}"
    for place in ("record", "line", "statement")
    for mode in MODES
    for decimals in (-2, 2, 6)
]
# Months' ends, both changes of clocks in Europe and New York, a leap day, a year's end.
MOMENTS = [
    us(moment)
    for moment in (
        "2024-02-28T23:00:00",
        "2024-03-10T06:50:00",
        "2024-03-31T00:50:00",
        "2024-10-27T00:25:00",
        "2024-11-03T05:55:00",
        "2024-12-31T22:58:00",
    )
]
# With their offsets: versions of one agreement may have different zones.
EDGES = [
    f'"{moment}"'
    for moment in (
        "2024-03-01T00:00:00+00:00",
        "2024-03-31T00:00:00+01:00",
        "2024-10-27T02:30:00+01:00",
        "2024-11-03T00:00:00-04:00",
        "2025-01-10T12:34:56+05:45",
    )
]
LOG_TIME_US = us("2025-06-01T00:00:00")


@st.composite
def agreements(draw: st.DrawFn) -> str:
    """An agreement of up to three versions, each with its zone, rounding and price of circuits.

    One of them may price circuits by event, have no price at all, or end the agreement.
    """
    period = draw(st.sampled_from(["month", "month", "day"]))
    edges = draw(st.lists(st.sampled_from(range(len(EDGES))), max_size=2, unique=True))
    moments = [EDGES[at] for at in sorted(edges)]
    ends = draw(st.sampled_from(["", "", ", valid_upto: 2025-02-01"]))
    versions = []
    for number, start in enumerate(["2020-01-01", *moments], 1):
        upto = f", valid_upto: {moments[number - 1]}" if number <= len(moments) else ends
        random = Random(draw(st.integers(0, 2**32)))
        terms = f"zone: {draw(st.sampled_from(ZONES))}, currency: EUR, period: {period}"
        rounding = draw(st.sampled_from(ROUNDINGS))
        items = _items(random, period)
        versions.append(
            f"{{version: {number}, valid_from: {start}{upto}, {terms}, rounding: {rounding},"
            f" items: [{items}]}}"
        )
    return (
        "- {agreement: A, partner: P, model: wholesale, versions: ["
        + ",\n    ".join(versions)
        + "]}\n"
    )


def _items(random: Random, period: str) -> str:
    """What a version has for circuits: one item, or two of which one is for some of them."""
    usual = "role: product, service: circuit, flow: receivable"
    by_event = "{kind: unit, per: event, amount: 5}"
    price = random.choice([price_of_time(random, period)] * 14 + [by_event])
    items = [f"{{item: circuit, {usual}, price: {price}}}"]
    if random.random() < 1 / 4:
        where = "where: {key: [product:C-1]}"
        items.append(f"{{item: one, {usual}, {where}, price: {price_of_time(random, period)}}}")
    if random.random() < 1 / 4:
        items.append(f"{{item: set-up, {usual}, surcharge: true, price: {by_event}}}")
    if random.random() < 1 / 20:
        items = [f"{{item: sale, role: product, service: sms, flow: payable, price: {by_event}}}"]
    return ", ".join(items)


SPANS_US = st.one_of(
    st.integers(0, 3 * DAY_US),
    st.integers(0, 400 * DAY_US),
    st.sampled_from([45, 62, 80, 119, 240]).map(lambda days: days * DAY_US + 3_600_000_001),
    st.sampled_from([0, DAY_US, 31 * DAY_US, 3_660 * DAY_US, 3_660 * DAY_US + 1]),
)


@st.composite
def circuits(draw: st.DrawFn) -> tuple[Sent, ...]:
    """Circuits that begin near an edge, to the second or not."""
    sent = []
    for number in range(draw(st.integers(1, 8))):
        shift = draw(st.one_of(st.integers(-3, 40).map(lambda h: h * 3_600_000_000), SPANS_US))
        started = draw(st.sampled_from(MOMENTS)) + min(shift, 100 * DAY_US)
        fields = row(
            Service.CIRCUIT,
            sequence=number,
            product_instance=draw(st.sampled_from(["C-1", "C-2"])),
            started_at=started,
            ended_at=started + draw(SPANS_US),
            units=draw(st.sampled_from([1, 1, 1, 3, 10, 0, 2**30, 2**43])),
        )
        sent.append(Sent(0, LOG_TIME_US + number, message(Service.CIRCUIT, fields)))
    return tuple(sent)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One agreement for all circuits."""
    files = {
        "partners.yaml": "- {partner: P, name: P}\n",
        "agreements.yaml": draw(agreements()),
        "attribution.csv": "kind,key,agreement,valid_from,valid_upto\n"
        "product,C-1,A,,\nproduct,C-2,A,,\n",
    }
    return World(0, files, files, {"A": "A"}, draw(circuits()), 1, 1)


PERIODS = ("2024-03", "2024-10", "2024-11", "2024-03-31", "2025-01")


@settings(max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), st.integers(1, 3), st.lists(st.sampled_from(PERIODS), max_size=2))
def test_circuits_over_any_edge_are_settled_as_the_oracle_settles_them(
    world: World, batch: int, closed: list[str]
) -> None:
    """No outcome, quantity, amount, shortfall or residue differs, whatever closes in between."""
    with Settling(world, rate_batch=batch, accrue_batch=batch) as settling:
        while settling.sent < len(world.usage):
            settling.send(batch)
            settling.settle()
            for period in closed[settling.sent % 3 :]:
                settling.close_period("A", period)
        settling.settle()
        assert settling.differences() == []


def test_such_worlds_have_pieces() -> None:
    """Over some of them circuits are cut into pieces, in more than one version, and refused."""
    seen: Counter[str] = Counter()

    @settings(max_examples=40, database=None, derandomize=True)
    @given(worlds())
    def look(world: World) -> None:
        with Settling(world) as settling:
            settling.send(len(world.usage))
            settling.settle()
            expected = settling.expected()
            seen.update(expected.outcomes)
            for leg in expected.legs:
                seen["pieces" if len(leg.split()) > 3 else "whole"] += 1

    look()
    assert seen["pieces"] > 50
    assert seen["whole"] > 20
    assert {"suspended/too_long", "suspended/no_item", "suspended/charge_overflow"} <= set(seen)
    assert "suspended/no_agreement" in seen


def test_an_event_counted_with_every_piece_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A circuit over two months' ends, were it three events, would differ from the oracle's."""
    item = "{item: circuit, role: product, service: circuit, flow: receivable, price: %s}"
    price = "{kind: recurring, every: month, amount: 850}"
    version = f"{{version: 1, valid_from: 2020-01-01, zone: UTC, currency: EUR, items: [{item}]}}"
    files = {
        "partners.yaml": "- {partner: P, name: P}\n",
        "agreements.yaml": "- {agreement: A, partner: P, model: mvno, versions: "
        f"[{version % price}]}}\n",
        "attribution.csv": "kind,key,agreement,valid_from,valid_upto\nproduct,C-1,A,,\n",
    }
    fields = row(
        Service.CIRCUIT,
        product_instance="C-1",
        started_at=us("2024-02-10T00:00:00"),
        ended_at=us("2024-04-10T00:00:00"),
    )
    sent = (Sent(0, LOG_TIME_US, message(Service.CIRCUIT, fields)),)
    monkeypatch.setattr(contribution, "counted_events", lambda group, _: group)
    with Settling(World(0, files, files, {"A": "A"}, sent, 1, 1)) as settling:
        settling.send(1)
        settling.settle()
        assert {d.split()[0] for d in settling.differences()} == {"rows"}
