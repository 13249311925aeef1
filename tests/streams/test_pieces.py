"""Intervals cut at the edges of periods and versions: by hand, and at any instants."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Reason, Service
from state.tables import Tables
from streams.contribution import SeriesTexts, fold
from streams.packing import unpack
from streams.pieces import PIECES_MAX, cut
from streams.privacy import Tokens
from streams.rated import Blocks
from streams.rating import Rated
from streams.sharing import share
from tests import builders
from tests.band_makers import us
from tests.makers import item_tables, legs_of, rated_of, usage
from tests.usage_makers import message, row

KEYS = "product,CIR-1,ALFA-1,,"
DAILY = "{kind: unit, per: unit_day, amount: 2}"
DAY_US = 86_400_000_000


def item(price: str = DAILY, more: str = "", name: str = "circuit") -> str:
    """An item for circuits."""
    return (
        f"{{item: {name}, role: product, service: circuit, flow: receivable, price: {price}{more}}}"
    )


def circuit(start: str | int, upto: str | int, **fields: object) -> bytes:
    """A circuit in service from one time up to another, in UTC."""
    times = [us(at) if isinstance(at, str) else at for at in (start, upto)]
    named = {"started_at": times[0], "ended_at": times[1], **fields}
    return message(Service.CIRCUIT, row(Service.CIRCUIT, **named))


def versions(*terms: tuple[str, str]) -> str:
    """An agreement whose versions have terms and items, in the order of time."""
    listed = ", ".join(
        f"{{version: {number}, currency: EUR, {said}, items: [{items}]}}"
        for number, (said, items) in enumerate(terms, 1)
    )
    return f"- {{agreement: ALFA-1, partner: ALFA, model: wholesale, versions: [{listed}]}}\n"


def versioned(directory: Path, *terms: tuple[str, str]) -> Tables:
    """Tables of such an agreement."""
    attribution = f"kind,key,agreement,valid_from,valid_upto\n{KEYS}\n"
    return builders.tables(
        builders.reference_dir(directory, agreements=versions(*terms), attribution=attribution)
    )


def told(rated: Rated, tables: Tables) -> list[tuple[int, str, int, str]]:
    """Version, period, quantity, and the reason of each leg."""
    return [
        (
            tables.versions[version].version if version >= 0 else 0,
            tables.calendars[tables.version_calendar[version]].label(period),
            quantity,
            Reason(reason).label,
        )
        for version, period, quantity, reason in zip(
            rated.legs.version.tolist(),
            rated.period.tolist(),
            rated.quantity.tolist(),
            rated.reason.tolist(),
            strict=True,
        )
    ]


@pytest.mark.parametrize(
    ("start", "upto", "days"),
    [
        ("2026-11-01T00:00:00", "2026-12-01T00:00:00", 30),
        ("2026-11-16T10:00:00", "2026-12-01T00:00:00", 15),  # the day of activation counts
        ("2026-11-01T00:00:00", "2026-11-16T10:00:00", 15),  # the day of the change does not
        ("2026-11-16T10:00:00", "2026-11-16T23:00:00", 0),  # activated and ceased in one day
        ("2026-11-16T23:59:59", "2026-11-17T00:00:00", 1),
        ("2026-11-16T00:00:00", "2026-11-16T00:00:00", 0),
    ],
)
def test_days_are_those_on_which_it_was_in_service_at_their_end(
    tmp_path: Path, start: str, upto: str, days: int
) -> None:
    """Start inclusive, end exclusive: the day of a change is the new state's."""
    tables = item_tables(tmp_path, item(), KEYS)
    rated = rated_of(usage(circuit(start, upto)), tables)
    assert told(rated, tables) == [(1, "2026-11", days, "none")]
    assert rated.charge_micros.tolist() == [days * 2_000_000]


def test_units_are_multiplied_by_days(tmp_path: Path) -> None:
    """Three units on 15 days are 45 unit-days: 90."""
    tables = item_tables(tmp_path, item(), KEYS)
    rated = rated_of(usage(circuit("2026-11-01T00:00:00", "2026-11-16T00:00:00", units=3)), tables)
    assert rated.quantity.tolist() == rated.raw_quantity.tolist() == [45]
    assert rated.charge_micros.tolist() == [90_000_000]


def test_an_interval_is_cut_at_the_ends_of_months(tmp_path: Path) -> None:
    """From 16 November to 10 January: 15, 31 and 9 days, each in its own period."""
    tables = item_tables(tmp_path, item(), KEYS)
    rated = rated_of(usage(circuit("2026-11-16T08:00:00", "2027-01-10T08:00:00")), tables)
    assert told(rated, tables) == [
        (1, "2026-11", 15, "none"),
        (1, "2026-12", 31, "none"),
        (1, "2027-01", 9, "none"),
    ]
    assert rated.pieces is not None
    assert rated.pieces.is_first.tolist() == [True, False, False]
    assert rated.pieces.upto_us.tolist()[:2] == rated.pieces.start_us.tolist()[1:]


def test_a_tail_without_a_day_is_no_piece(tmp_path: Path) -> None:
    """Ten hours of December in which no day ends are nothing in December."""
    tables = item_tables(tmp_path, item(), KEYS)
    rated = rated_of(usage(circuit("2026-11-30T00:00:00", "2026-12-01T10:00:00")), tables)
    assert told(rated, tables) == [(1, "2026-11", 1, "none")]


@pytest.mark.parametrize(
    ("zone", "start", "upto", "hours"),
    [
        ("Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T23:00:00", 25),
        ("Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T22:00:00", 23),
        ("UTC", "2026-10-25T00:00:00", "2026-10-26T00:00:00", 24),
    ],
)
def test_a_day_of_changed_clocks_has_the_seconds_that_it_had(
    tmp_path: Path, zone: str, start: str, upto: str, hours: int
) -> None:
    """By days it is one day all the same."""
    for price, expected in ((DAILY, 1), ("{kind: unit, per: unit_hour, amount: 1}", hours * 3_600)):
        terms = f"valid_from: 2026-01-01, zone: {zone}"
        tables = versioned(tmp_path, (terms, item(price)))
        assert told(rated_of(usage(circuit(start, upto)), tables), tables)[0][2] == expected


def test_a_leap_day_is_a_day(tmp_path: Path) -> None:
    """From 28 February to 1 March 2028 are two days."""
    tables = item_tables(tmp_path, item(), KEYS)
    rated = rated_of(usage(circuit("2028-02-28T00:00:00", "2028-03-01T00:00:00")), tables)
    assert told(rated, tables) == [(1, "2028-02", 2, "none")]


OLD = "valid_from: 2026-01-01, valid_upto: 2026-11-16, zone: UTC"
NEW = "valid_from: 2026-11-16, zone: UTC"


def test_an_interval_is_cut_where_a_version_ends(tmp_path: Path) -> None:
    """Each version prices its own days: 15 at 2 and 15 at 3."""
    dearer = item("{kind: unit, per: unit_day, amount: 3}", name="dearer")
    tables = versioned(tmp_path, (OLD, item()), (NEW, dearer))
    rated = rated_of(usage(circuit("2026-11-01T00:00:00", "2026-12-01T00:00:00")), tables)
    assert told(rated, tables) == [(1, "2026-11", 15, "none"), (2, "2026-11", 15, "none")]
    assert rated.charge_micros.tolist() == [30_000_000, 45_000_000]


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        ([(NEW, item("{kind: unit, per: event, amount: 1}"))], "no_item"),
        ([(NEW, item(more=", direction: out"))], "no_item"),
        ([], "no_agreement"),
    ],
)
def test_a_piece_that_nobody_prices_says_why(
    tmp_path: Path, later: list[tuple[str, str]], reason: str
) -> None:
    """Where a later version counts no time, has no item, or there is none, the event waits."""
    tables = versioned(tmp_path, (OLD, item()), *later)
    rated = rated_of(usage(circuit("2026-11-01T00:00:00", "2026-12-01T00:00:00")), tables)
    assert [leg[3] for leg in told(rated, tables)] == ["none", reason]


def test_what_is_added_to_an_event_is_added_once(tmp_path: Path) -> None:
    """A surcharge per event is of the beginning, not of every month."""
    fee = item("{kind: unit, per: event, amount: 5}", ", surcharge: true", "fee")
    tables = item_tables(tmp_path, f"{item()}, {fee}", KEYS)
    rated = rated_of(usage(circuit("2026-11-16T00:00:00", "2027-01-01T00:00:00")), tables)
    names = [tables.items[row].name for row in rated.legs.item.tolist()]
    assert names == ["circuit", "fee", "circuit"]
    assert rated.pieces is not None
    assert rated.pieces.is_first.tolist() == [True, True, False]
    assert rated.quantity.tolist() == [15, 1, 31]


def test_conditions_are_those_of_the_beginning_in_every_version(tmp_path: Path) -> None:
    """Of two items of the next version the one goes on whose conditions hold."""
    special = item("{kind: unit, per: unit_day, amount: 1}", ", where: {key: [product:CIR-1]}", "s")
    tables = versioned(tmp_path, (OLD, item()), (NEW, f"{item()}, {special}"))
    rated = rated_of(usage(circuit("2026-11-01T00:00:00", "2026-11-17T00:00:00")), tables)
    assert [tables.items[row].name for row in rated.legs.item.tolist()] == ["circuit", "s"]


@pytest.mark.parametrize(
    ("upto", "period", "reason"),
    [
        ("2037-01-08T00:00:00", "month", "too_long"),  # more than 3,660 days
        ("2036-01-01T00:00:00", "month", "none"),  # 109 months
        ("2026-12-30T00:00:00", "day", "none"),  # 59 days
        ("2027-04-01T00:00:00", "day", "too_long"),  # 151 of them
        ("2101-01-01T00:00:00", "month", "too_long"),
    ],
)
def test_an_interval_is_not_cut_into_any_number_of_pieces(
    tmp_path: Path, upto: str, period: str, reason: str
) -> None:
    """Work for one event is bounded: beyond it the event waits, to be sent in parts."""
    tables = item_tables(tmp_path, item(), KEYS, f", period: {period}")
    rated = rated_of(usage(circuit("2026-11-01T00:00:00", upto)), tables)
    assert {leg[3] for leg in told(rated, tables)} == {reason}
    assert len(rated) <= PIECES_MAX


def test_more_units_than_there_can_be_are_refused(tmp_path: Path) -> None:
    """2^43 units for 3 days are more than 2^44 unit-days."""
    tables = item_tables(tmp_path, item("{kind: unit, per: unit_day, amount: 0}"), KEYS)
    most = circuit("2026-11-01T00:00:00", "2026-11-02T00:00:00", units=2**43)
    more = circuit("2026-11-01T00:00:00", "2026-11-04T00:00:00", units=2**43, sequence=2)
    rated = rated_of(usage(most, more), tables)
    assert [leg[3] for leg in told(rated, tables)] == ["none", "charge_overflow"]


def test_who_counts_no_time_is_not_cut(tmp_path: Path) -> None:
    """Legs and blocks of other items stay what they are."""
    tables = item_tables(tmp_path, item("{kind: unit, per: unit, amount: 1}"), KEYS)
    batch = usage(circuit("2026-11-16T00:00:00", "2027-01-01T00:00:00"))
    legs = legs_of(batch, tables)[0]
    assert cut(batch, legs, tables) == (legs, None)
    block = Blocks(tables, Tokens(b"k")).to_bytes(batch, rated_of(batch, tables), {})
    assert "from_us" not in unpack(block).schema.names


def test_blocks_say_the_stretch_of_each_leg(tmp_path: Path) -> None:
    """In microseconds, and null for a leg that counts no time."""
    fee = item("{kind: unit, per: event, amount: 5}", ", surcharge: true", "fee")
    tables = item_tables(tmp_path, f"{item()}, {fee}", KEYS)
    batch = usage(circuit("2026-11-30T00:00:00", "2026-12-02T00:00:00"))
    rows = unpack(Blocks(tables, Tokens(b"k")).to_bytes(batch, rated_of(batch, tables), {}))
    edge = us("2026-12-01T00:00:00")
    assert rows.column("from_us").to_pylist() == [edge - DAY_US, None, edge]
    assert rows.column("upto_us").to_pylist() == [edge, None, edge + DAY_US]


NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000


@given(
    start=st.integers(NOVEMBER - 40 * DAY_US, NOVEMBER),
    lengths=st.lists(st.integers(0, 30 * DAY_US), min_size=1, max_size=6),
    per=st.sampled_from(["unit_day", "unit_hour"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_cutting_anywhere_adds_up(
    tmp_path_factory: pytest.TempPathFactory, start: int, lengths: list[int], per: str, zone: str
) -> None:
    """An interval in parts, cut at any instants, counts what the whole of it counts."""
    terms = [
        (f"valid_from: 2026-01-01, valid_upto: 2026-11-05, zone: {zone}", item()),
        (f"valid_from: 2026-11-05, zone: {zone}", item()),
    ]
    priced = [(t, of.replace("unit_day", per)) for t, of in terms]
    tables = versioned(tmp_path_factory.mktemp("reference"), *priced)
    edges = np.cumsum([start, *lengths]).tolist()
    parts = [circuit(a, b, sequence=number) for number, (a, b) in enumerate(pairwise(edges), 1)]
    sums = []
    for batch in (usage(circuit(edges[0], edges[-1])), usage(*parts), usage(*reversed(parts))):
        found: Counter[tuple[int, str]] = Counter()
        for version, period, quantity, reason in told(rated_of(batch, tables), tables):
            assert reason == "none"
            found[version, period] += quantity
        sums.append(+found)
    assert sums[0] == sums[1] == sums[2]
    if per == "unit_day":
        dates = [
            datetime.fromtimestamp(at // 1_000_000, ZoneInfo(zone)).date()
            for at in (edges[0], edges[-1])
        ]
        assert sums[0].total() == (dates[1] - dates[0]).days


def test_shares_of_others_are_whole_events(tmp_path: Path) -> None:
    """In a batch with a circuit, the legs of a sale's shares count their event and no time."""
    party = "{agreement: BRAVO-1, item: part, percent: 40}"
    split = f", split: {{rule: first_parts, parties: [{{percent: 60}}, {party}]}}"
    sale = (
        "{item: sale, role: channel, service: transaction, flow: payable,"
        f" price: {{kind: share, percent: 10}}{split}}}"
    )
    part = (
        "{item: part, role: channel, service: transaction, flow: payable, price: {kind: received}}"
    )
    agreements = builders.agreement_text(f"{item()}, {sale}")
    agreements += builders.agreement_text(part, name="BRAVO-1", partner="BRAVO")
    attribution = f"kind,key,agreement,valid_from,valid_upto\n{KEYS}\nchannel,C,ALFA-1,,\n"
    tables = builders.tables(
        builders.reference_dir(tmp_path, agreements=agreements, attribution=attribution)
    )
    sold = row(Service.TRANSACTION, sequence=2, sales_channel="C", retail_amount_micros=10**8)
    batch = usage(
        circuit("2026-11-30T00:00:00", "2026-12-02T00:00:00"), message(Service.TRANSACTION, sold)
    )
    shared = share(batch, rated_of(batch, tables), tables)
    assert shared.pieces is not None
    assert shared.pieces.is_first.tolist().count(False) == 1
    names = [tables.items[row].name for row in shared.legs.item.tolist()]
    assert sorted(names) == ["circuit", "circuit", "part", "sale"]
    assert shared.charge_micros[names.index("part")] == 4_000_000
    sums, _ = fold(batch, shared, tables, SeriesTexts(tables))
    assert sums.events.sum() == 3  # the circuit, the sale, and what is received of it
    assert shared.take(slice(0, 2)).pieces is not None
