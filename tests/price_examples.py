"""The usage of each example on the pages of prices, and the figure that a page gives for it.

Which key an event comes by is left open (`?`): it is that of the example's own agreement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from schemas.codes import Service
from tests.case_plans import Event, Row
from tests.case_usage import micros

DOCS = Path(__file__).parents[1] / "docs"
PAGE = "\n".join(
    (DOCS / name).read_text(encoding="utf-8") for name in ("prices.md", "prices-spans.md")
)
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)

PERIOD = "2026-11"
TUESDAY = datetime(2026, 11, 17, 10, tzinfo=UTC)
NIGHT = datetime(2026, 11, 17, 22, tzinfo=UTC)
EVENING = datetime(2026, 11, 17, 17, 59, 59, tzinfo=UTC)

VOICE = {"role": "ingress", "service": "voice"}
SMS = {"role": "ingress", "service": "sms"}
SALE = {"role": "channel", "service": "transaction"}
CIRCUIT = {"role": "product", "service": "circuit"}

COUNTED_CALLS = [
    {
        "item": name,
        "role": role,
        "service": "voice",
        "flow": "receivable",
        "price": {"kind": "counted", "per": "minute"},
    }
    for name, role in (("voice-in", "ingress"), ("voice-out", "egress"))
]

RATE_COLUMNS = (
    "zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto"
)
PREFIX_COLUMNS = "prefix,zone"


@dataclass(frozen=True)
class Example:
    """One block of the page, usage, and what the page says that it costs.

    `block` is some text that the block has and none before it; with `only`, only its lines with
    that text are taken. `item` and `version` put around it what it does not say, `agreement` and
    `others` what stands outside the version, `files` the rows of other reference files. A figure
    `is_cut` where the page ends a longer number. It is of all lines of the `period`, or of those of
    one `line`; where it is of the `total`, that is the member.
    The partner has `declared` a quantity of an item.
    """

    block: str
    usage: Sequence[Event]
    figure: str
    only: str = ""
    item: Mapping[str, Any] = field(default_factory=lambda: VOICE)
    version: Mapping[str, Any] = field(default_factory=dict)
    agreement: Mapping[str, Any] = field(default_factory=dict)
    others: Sequence[Mapping[str, Any]] = ()
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    period: str = PERIOD
    is_cut: bool = False
    line: str = ""
    total: str = ""
    declared: tuple[str, str] | None = None


def said(words: str) -> Sequence[str]:
    """The lines of the first block of the page that has some words."""
    found = next(block[0] for block in BLOCK.finditer(PAGE) if words in dedent(block[0]))
    return dedent(found).splitlines()


def _event(service: Service, at: datetime, fields: Row, more: Row) -> Event:
    return Event(service, {"direction": "in", "started_at": micros(at), **fields, **more})


def call(seconds: int, called: str = "4930123456", at: datetime = TUESDAY, **more: Any) -> Event:  # noqa: ANN401
    """A call that comes in by a route."""
    fields: Row = {"ingress_route": "?", "called_number": called, "duration_ms": seconds * 1000}
    return _event(Service.VOICE, at, fields, more)


def parts(name: str, *seconds: int) -> list[Event]:
    """The partial records of a session, of a source of its own."""
    of: Row = {"session_id": name, "source": name}
    return [call(s, partial_sequence=number, **of) for number, s in enumerate(seconds)]


def texts(count: int, first: datetime = TUESDAY, **more: Any) -> list[Event]:  # noqa: ANN401
    """So many messages, a second apart."""
    times = (first + timedelta(seconds=number) for number in range(count))
    fields: Row = {"ingress_route": "?", "called_number": "4930123456"}
    return [_event(Service.SMS, at, fields, more) for at in times]


def data(up: int, down: int = 0, at: datetime = TUESDAY, **more: Any) -> Event:  # noqa: ANN401
    """A data session of so many bytes each way."""
    fields: Row = {"access_point": "?", "volume_up_bytes": up, "volume_down_bytes": down}
    return _event(Service.DATA, at, fields, more)


def sale(amount: str, at: datetime = TUESDAY, **more: Any) -> Event:  # noqa: ANN401
    """A transaction of some retail amount in euros."""
    whole, _, part = amount.lstrip("-").partition(".")
    size = int(whole) * 10**6 + int(part.ljust(6, "0"))
    fields: Row = {"sales_channel": "?", "retail_currency": "EUR"}
    fields["retail_amount_micros"] = -size if amount.startswith("-") else size
    return _event(Service.TRANSACTION, at, fields, more)


def circuit(first: int, upto: int, **more: Any) -> Event:  # noqa: ANN401
    """A circuit in service from one day of November up to another; the 31st is in December."""
    start, end = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=d - 1) for d in (first, upto))
    return _event(Service.CIRCUIT, start, {"product_instance": "?", "ended_at": micros(end)}, more)


def activation() -> Event:
    """A transaction of a product."""
    fields: Row = {"product_instance": "?", "transaction_type": "activation"}
    return sale("0", **fields, sales_channel=None)


def sample(mbps: int, at: datetime = TUESDAY) -> Event:
    """Five minutes of a port at so many Mbit/s."""
    fields: Row = {"product_instance": "?", "volume_up_bytes": mbps * 37_500_000}
    times = {"ended_at": micros(at + timedelta(minutes=5)), "volume_down_bytes": 0}
    return _event(Service.BANDWIDTH, at, fields, times)


OCTOBER = datetime(2026, 10, 6, 10, tzinfo=UTC)
MARCH = datetime(2027, 3, 2, 10, tzinfo=UTC)
LATER = TUESDAY + timedelta(hours=1)
HOURS = [call(9 * 60), call(6 * 60), call(9 * 60, at=LATER)]
PEAKS = [call(9 * 60), call(4 * 60), call(10 * 60, at=LATER)]
PORT = {"role": "product", "service": "bandwidth"}
USERS = [call(60, subscriber=number) for number in ("4917011", "4917012", "4917013", "4917011")]
BANDS = {"bands.yaml": said("bands: WORKWEEK"), "holidays/DE.csv": ["date,name"]}
RETAIL = {
    "decks/RETAIL.prefixes.csv": [PREFIX_COLUMNS, "49,DE"],
    "decks/RETAIL.rates.csv": [RATE_COLUMNS, "DE,0.012,1,1,0,,"],
}
PEAK = {
    **BANDS,
    "decks/PEAK.prefixes.csv": [PREFIX_COLUMNS, "49,DE"],
    "decks/PEAK.rates.csv": [
        *said("zone,band,price"),
    ],
}
ORIGIN = {
    "decks/ORIGIN.prefixes.csv": [PREFIX_COLUMNS, "55329,FAR", "5532,NEAR"],
    "decks/ORIGIN.rates.csv": [RATE_COLUMNS, "FAR,1.00,60,60,0,,", "NEAR,0.50,60,60,0,,"],
}
MASTER = {"books.yaml": said("book: WHOLESALE\n")}
CAP = {"caps.yaml": said("cap: EU-MTR")}
WORLD = "{item: world,"
MASTERED = "master: {book: WHOLESALE"
PAYMENTS = ("50", "100", "250", "400")
COSTLY, COMMISSION = "{item: resale,", "clawback: {types: [termination"
REFUND = sale(
    "1", transaction_type="refund", original_started_at=micros(TUESDAY - timedelta(days=45))
)
RECURRING = "every: month, amount: 850"
SHARED = "percent: 2.99, connect_fee: 2"
SPENT: list[Mapping[str, Any]] = [
    {
        "item": "texts",
        "flow": "receivable",
        **SMS,
        "price": {"kind": "unit", "per": "event", "amount": "1"},
    },
    {
        "item": "data",
        "flow": "receivable",
        "role": "subscriber",
        "service": "data",
        "price": {"kind": "unit", "per": "megabyte", "amount": "1"},
    },
]
BEFORE: list[Mapping[str, Any]] = [
    {
        "item": "voice-in",
        "flow": "receivable",
        **VOICE,
        "price": {
            "kind": "unit",
            "per": "minute",
            "amount": "0.012",
            "initial_seconds": "60",
            "next_seconds": "60",
        },
    }
]

CENTS: Mapping[str, Any] = {"rounding": {"decimals": "2"}}
RECEIVERS: Sequence[Mapping[str, Any]] = [
    {
        "agreement": name,
        "versions": [
            {
                "version": "1",
                "valid_from": "2020-01-01",
                "zone": "UTC",
                "currency": "EUR",
                **CENTS,
                "items": [{"item": item, "flow": "payable", **SALE, "price": {"kind": "received"}}],
            }
        ],
    }
    for name, item in (("SHOP-2", "override"), ("ORIG-3", "origination"))
]
GIGABYTES: Mapping[str, Any] = {
    "item": "data",
    "role": "subscriber",
    "service": "data",
    "flow": "receivable",
    "price": {"kind": "counted", "per": "gigabyte"},
}
POOLED: Mapping[str, Any] = {
    "agreement": {"pool": "ALFA"},
    "others": [
        {
            "agreement": "ALFA-2",
            "versions": [
                {
                    "version": "1",
                    "valid_from": "2020-01-01",
                    "zone": "UTC",
                    "currency": "EUR",
                    "items": [GIGABYTES],
                }
            ],
        }
    ],
    "files": {"attribution.csv": ["access_point,POOLED,ALFA-2,,"]},
}
WHOLE = {"kind": "share", "percent": "100"}
SOLD = {
    "rounding": {"place": "statement", "decimals": "currency"},
    "items": [{"item": "sold", **SALE, "flow": "receivable", "price": WHOLE}],
}

EXAMPLES: Sequence[Example] = (
    Example("of: up_bytes", [data(123_456, 7_000)], "0.00052"),
    Example("amount: 0.05, connect_fee: 0.15", [call(47)], "0.19"),
    Example(SHARED, [sale("10")], "2.299", item=SALE),
    Example(SHARED, [sale("80")], "4.392", item=SALE),
    Example(SHARED, [sale("10000")], "12", item=SALE),
    Example(SHARED, [sale("-10000")], "-12", item=SALE),
    Example("attempt_fee: 0.002", [call(0)], "0.002"),
    Example("attempt_on: last", [call(0, partial_final=False), call(0)], "2"),
    Example("count: {whole: session}", parts("one", 100), "0.13"),
    Example("count: {whole: session}", parts("two", 100, 50), "0.19"),
    Example("count: {whole: legs}", parts("three", 10, 10, 4), "0.17"),
    Example("connect_fee: 0.4", [call(85)], "0.641666", is_cut=True),
    Example("amount: 1.33333", [sale("10")], "13.3333", item=SALE),
    Example(
        COSTLY,
        [sale("100", product_instance="?", sales_channel=None, cost_amount_micros=65 * 10**6)],
        "78",
    ),
    Example(COSTLY, [sale("100", cost_amount_micros=65 * 10**6)], "14"),
    Example(COSTLY, [sale("100", cost_amount_micros=110 * 10**6)], "-4"),
    Example(COMMISSION, [REFUND], "75"),
    Example(
        "allowance: {events: 3",
        [sale(amount, TUESDAY + timedelta(seconds=n)) for n, amount in enumerate(PAYMENTS)],
        "11.15",
    ),
    Example("deck: RETAIL", [call(21)], "0.00315", "less_percent", files=RETAIL),
    Example("deck: RETAIL", [call(21)], "0.00315", "factor", files=RETAIL),
    Example("split: complete_increment", [call(62, at=EVENING)], "2.50", files=BANDS),
    Example("deck: PEAK", [call(62, at=EVENING)], "4.00", files=PEAK),
    Example(WORLD, [call(60, "4917012345")], "0.024"),
    Example(WORLD, [call(60, "4930123456")], "0.012"),
    Example(WORLD, [call(60, "33123456789")], "0.050"),
    Example('where: {calling: ["33", "34"]}', [call(60, calling_number="33140000000")], "0.062"),
    Example("deck: ORIGIN", [call(30, calling_number="5532998888777")], "1.00", files=ORIGIN),
    Example("deck: ORIGIN", [call(30, calling_number="553232887777")], "0.50", files=ORIGIN),
    Example(
        "surcharge: true,\n   price: {kind: deck",
        [call(30, calling_number="5532998888777")],
        "1.012",
        version={"items": BEFORE},
        files=ORIGIN,
    ),
    Example(MASTERED, [call(60, "4930123456")], "0.02", files=MASTER),
    Example(MASTERED, [call(60, "33123456789")], "0.05", files=MASTER),
    Example(MASTERED, texts(1), "0.03", files=MASTER),
    Example("item: voice-out", [call(60, egress_route="?")], "-0.002"),
    Example("rule: largest_remainder", [sale("-100.30")], "6.02", version=CENTS, others=RECEIVERS),
    Example("{from: 100, price: 1}", [call(150 * 60)], "250"),
    Example("{up_to: 15, price: 10}", texts(15), "150", item=SMS),
    Example("{up_to: 15, price: 10}", texts(16), "80", item=SMS),
    Example("flat_on_zero: true", texts(10), "102", item=SMS),
    Example("flat_on_zero: true", texts(11), "110", item=SMS),
    Example("block: 10, price: 100", texts(121), "1,200", item=SMS),
    Example("{step: 30, price: 0.1}", [call(100)], "0.3"),
    Example("cap: 3", texts(7), "5", item=SMS),
    Example("{up_to: 10000, percent: 10}", [sale("12000")], "1,300", item=SALE),
    Example("at_least: 1000000", [call(850_000 * 60)], "10,000"),
    Example("at_least: 1000000", [call(1_100_000 * 60)], "11,200"),
    Example("item: nightly", [call(1_200 * 60, at=NIGHT)], "11.6", files=BANDS),
    Example("per: unit_day", [circuit(1, 16, units=3)], "90", item=CIRCUIT),
    Example(RECURRING, [circuit(1, 31)], "850", item=CIRCUIT),
    Example(RECURRING, [circuit(16, 31)], "425", item=CIRCUIT),
    Example(RECURRING, [circuit(1, 8)], "198.33", item=CIRCUIT, is_cut=True),
    Example("measure: {of: average}", [circuit(1, 16, units=24)], "340", item=CIRCUIT),
    Example("item: installation", [activation()], "500"),
    Example("each: hour, per: minute, tiers: [{up_to: 10", HOURS, "2.15"),
    Example("measure: {of: peak}", PEAKS, "1.90"),
    Example("of: peak, window: hour", PEAKS, "2.60"),
    Example("of: percentile", [sample(260)], "420", item=PORT),
    Example("of: distinct", USERS, "1.20"),
    Example("deal: together", [data(10**10), data(10**10, access_point="POOLED")], "175", **POOLED),
    Example("deal: spend", [data(150 * 10**6)], "100", version={"items": SPENT}),
    Example(
        "on: 2026-11-15",
        texts(1),
        "93.33",
        version={
            "items": [{**SPENT[0], "price": {"kind": "unit", "per": "event", "amount": "0"}}],
        },
    ),
    Example("chosen_by: texts", [*texts(11), call(240)], "4.00"),
    Example("deal: bonus", [sale("12000")], "1,220"),
    Example("deal: discount", texts(740), "597.55"),
    Example("deal: commitment", texts(60), "100"),
    Example("deal: commitment", texts(130), "160"),
    Example("deal: voice", [call(600, egress_route="?")], "175"),
    Example("deal: interconnection", [*texts(10), *2 * [call(1)]], "10.00"),
    Example("deal: interconnection", [*texts(11), *2 * [call(1)]], "20.00"),
    Example(
        "deal: exchange",
        [call(540, egress_route="?"), call(60, ingress_route=None, egress_route="?")],
        "-0.05",
    ),
    Example(
        "deal: mutual",
        [call(540, egress_route="?"), call(60, ingress_route=None, egress_route="?")],
        "0.10",
        version={"items": COUNTED_CALLS},
        declared=("mutual", "720"),
    ),
    Example("each: quarter, per: event", [*texts(8, OCTOBER), *texts(4)], "6.00", item=SMS),
    Example(
        "each: year, from: 2026-04, per: minute",
        [call(850_000 * 60), call(0, at=MARCH)],
        "1,500",
        period="2027-03",
    ),
    Example(
        "deal: most",
        [*texts(30, OCTOBER), *texts(40)],
        "-20.00",
        version={"items": SPENT[:1]},
        line="most",
    ),
    Example("tax: {percent: 25}", [sale("193.3333")], "241.66", version=SOLD, total="gross"),
    Example(
        "settle_in: {currency: INR",
        [sale("100.00", retail_currency="USD")],
        "8,242.14",
        version={**SOLD, "currency": "USD"},
        files={"fx.csv": ["source,base,quote,date,rate", "ECB,USD,INR,2026-11-30,82.42135"]},
        total="settlement.receivable",
    ),
)
"""Every block of the page that says a price, with each of its figures."""

REFUSED: Sequence[Example] = (
    Example("regulated: EU-MTR", [], "is above the cap EU-MTR", files=CAP),
)
"""Blocks that show what is not taken; the figure is what the refusal says."""
