"""Calls over the edges of time bands, through both hops: the product comes to what the oracle does.

Random worlds (`test_oracle_agreement.py`) have few calls that cross an edge. Here every message is
a call near one, under any plan, zone, rule, rounding and increments, in batches of any size.
"""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.codes import Service
from tests.band_makers import us
from tests.settled import Settling
from tests.usage_makers import message, row
from tests.world_usage import Sent
from tests.worlds import MODES, ZONES, World

ROUNDINGS = [f"{{place: {p}, mode: {m}, decimals: 3}}" for p in ("record", "line") for m in MODES]
CLOCKS = ("00:30", "01:00", "02:00", "02:30", "03:00", "08:00", "18:00", "23:59")
# Around both changes of clocks of 2024 in Europe and New York, a leap day, and a month's end.
MOMENTS = [
    us(moment)
    for moment in (
        "2024-03-10T06:50:00",
        "2024-03-31T00:50:00",
        "2024-02-29T17:55:00",
        "2024-10-27T00:25:00",
        "2024-11-03T05:55:00",
        "2024-11-30T22:58:00",
    )
]


@st.composite
def plans(draw: st.DrawFn) -> str:
    """Any plan of the bands a, b and c, all of which occur."""
    days = ["mon-wed", "thu", "fri", "sat-sun", "holiday"]
    written = []
    for place, day in enumerate(days):
        of = draw(st.dictionaries(st.sampled_from(CLOCKS), st.sampled_from("abc"), max_size=5))
        starts = [("00:00", "abc"[place % 3]), *sorted(of.items())]
        listed = ", ".join(f'{{from: "{clock}", band: {band}}}' for clock, band in starts)
        written.append(f"{day}: [{listed}]")
    return f"- {{bands: PLAN, holidays: H, days: {{{', '.join(written)}}}}}\n"


@st.composite
def prices(draw: st.DrawFn) -> str:
    """A price by these bands."""
    bands = []
    for band in "abc":
        amount = draw(st.sampled_from(["0", "0.02", "0.333333333", "1.5", "1000000"]))
        fee = draw(st.sampled_from(["0", "0.01", "7"]))
        first = draw(st.sampled_from([1, 30, 60, 3_600]))
        following = draw(st.sampled_from([1, 6, 60, 1_800]))
        steps = f"initial_seconds: {first}, next_seconds: {following}"
        limits = draw(st.sampled_from(["", "", ", maximum: 2.5", ", minimum: 3, attempt_fee: 0.4"]))
        bands.append(f"{band}: {{amount: {amount}, connect_fee: {fee}, {steps}{limits}}}")
    rule = draw(st.sampled_from(["complete_increment", "round_each_band", "start_band"]))
    per = draw(st.sampled_from(["second", "minute", "hour"]))
    rates = f"{{of: PLAN, split: {rule}, prices: {{{', '.join(bands)}}}}}"
    return f"{{kind: unit, per: {per}, bands: {rates}}}"


@st.composite
def calls(draw: st.DrawFn) -> tuple[Sent, ...]:
    """Calls from shortly before an edge, for seconds, hours, or now and then for more than days."""
    span = st.integers(-90_000_000, 7_200_000_000)
    milliseconds = st.one_of(
        st.integers(0, 300_000), st.integers(0, 20_000_000), st.sampled_from([90_000_000, 2**42])
    )
    found: list[Sent] = []
    spans = st.tuples(st.sampled_from(MOMENTS), span, milliseconds)
    for moment, later, duration in draw(st.lists(spans, min_size=1, max_size=12)):
        call = row(
            Service.VOICE,
            sequence=len(found) + 1,
            ingress_route="R1",
            egress_route="R1",
            called_number=draw(st.sampled_from(["4930123", "4917123", "33123"])),
            started_at=moment + later,
            duration_ms=duration,
        )
        found.append(Sent(0, us("2024-12-01T00:00:00"), message(Service.VOICE, call)))
    return tuple(found)


@st.composite
def deck_prices(draw: st.DrawFn) -> str:
    """A price by a deck with these bands."""
    rule = draw(st.sampled_from(["complete_increment", "round_each_band", "start_band"]))
    more = draw(st.sampled_from(["", ", factor: 0.75", ", maximum: 2.5", ", minimum: 3"]))
    return f"{{kind: deck, deck: D, bands: {{of: PLAN, split: {rule}}}{more}}}"


DECK = {
    "decks/D.prefixes.csv": "prefix,zone\n4930,NEAR\n49,FAR\n",
    "decks/D.rates.csv": """\
zone,band,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto
NEAR,b,0.02,60,60,0,,
NEAR,a,1.5,30,6,0.01,,2024-10-27T00:30:00Z
NEAR,a,0.333333333,1,1,7,2024-10-27T00:30:00Z,
NEAR,c,0,1,60,0.5,,
FAR,a,1,60,60,0,2024-03-31,
FAR,b,2,60,30,1,2024-03-31,
FAR,c,3,1,1,0,2024-03-31,
""",
}


def world_of(
    plan: str, price: tuple[str, str], zone: str, rounding: str, usage: tuple[Sent, ...]
) -> World:
    """One agreement that is owed and owes by the hour."""
    roles = (("ingress", "receivable"), ("egress", "payable"))
    items = ", ".join(
        f"{{item: {role}, role: {role}, service: voice, flow: {flow}, price: {of}}}"
        for (role, flow), of in zip(roles, price, strict=True)
    )
    version = (
        f"{{version: 1, valid_from: 2024-01-01, zone: {zone}, currency: EUR, "
        f"rounding: {rounding}, items: [{items}]}}"
    )
    files = {
        "partners.yaml": "- {partner: P, name: P}\n",
        "agreements.yaml": f"- {{agreement: A, partner: P, model: mvno, versions: [{version}]}}\n",
        "attribution.csv": "kind,key,agreement,valid_from,valid_upto\nroute,R1,A,,\n",
        "bands.yaml": plan,
        **DECK,
        "holidays/H.csv": "date,name\n2024-03-31,Easter\n2024-02-29,A leap day off\n",
    }
    return World(0, files, files, {"A": "A"}, usage, 1, 1)


@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    plan=plans(),
    price=st.tuples(prices(), st.one_of(prices(), deck_prices())),
    zone=st.sampled_from(ZONES),
    rounding=st.sampled_from(ROUNDINGS),
    usage=calls(),
    batch=st.sampled_from([1, 3, 100]),
)
def test_calls_by_band_come_to_what_the_oracle_says(
    plan: str,
    price: tuple[str, str],
    zone: str,
    rounding: str,
    usage: tuple[Sent, ...],
    batch: int,
) -> None:
    """Legs with their parts, accruals with their residue, and the reason of what is too long."""
    world = world_of(plan, price, zone, rounding, usage)
    with Settling(world, rate_batch=batch, accrue_batch=batch) as settling:
        settling.send(len(usage))
        settling.settle()
        assert settling.differences() == []
