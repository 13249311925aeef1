"""What each family of generated usage looks like: who calls whom, by which way, for how long.

Each family is a function from `Facts` to columns. Most events are what a settlement hopes for; a
stated few in a thousand are not, and each such rule carries its share in a million.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ops.generate_decks import destinations
from ops.generate_draws import Draws, Ints, Marks
from ops.generate_reference import OWN_ACCESS_POINTS, OWN_CHANNELS, OWN_ROUTES, Partner, Plan
from schemas.codes import Service

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
FUTURE_US = 4_070_908_800 * SECOND_US  # 2099-01-01: later than any clock that will read it
BEFORE_US = 631_152_000 * SECOND_US  # 1990-01-01: before any usage
MEDIATION_US = 120 * SECOND_US

UNKNOWN_ROUTE = 5_000  # of the routes of other carriers
UNKNOWN_KEY = 3_000  # an access point, product or channel that nobody knows
UNLISTED = 1_000  # destinations that no deck lists
TEST = 2_000
LATE_HOURS = 5_000
LATE_DAYS = 1_000
FUTURE = 200
IMPOSSIBLE_TIME = 150
NEGATIVE = 150
INVALID_NUMBER = 200
NO_KEY = 300
FOREIGN_CURRENCY = 2_000

UNLISTED_PREFIX = 979  # international premium rate
TEXT = pa.string()
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Facts:
    """What the events of one family are made from.

    `conflicting` marks repeats that say another thing than the event they repeat.
    """

    plan: Plan
    draws: Draws
    arrival_us: Ints
    conflicting: Marks

    def __len__(self) -> int:
        return len(self.arrival_us)


def _names(values: Sequence[str], picks: Ints, present: Marks | None = None) -> pa.Array:
    """A column of names by their index; null where not present."""
    mask = None if present is None else ~present
    return pa.array([*values], TEXT).take(pa.array(picks, mask=mask))


def _merged(columns: Sequence[tuple[Marks, pa.Array]]) -> pa.Array:
    """For each row the value of the first column whose mark holds, else null."""
    merged = pa.nulls(len(columns[0][0]), TEXT)
    for mark, column in reversed(columns):
        merged = pc.if_else(pa.array(mark), column, merged)
    return merged


def _digits(prefix: Ints, length: int, tail: Ints) -> Ints:
    """Numbers of `length` digits that begin with a prefix and go on with digits of `tail`."""
    size = np.ones(len(prefix), np.int64)
    for power in range(1, 16):
        size += prefix >= 10**power
    span = np.array([10**n for n in range(length + 1)], np.int64)[length - size]
    return prefix * span + tail % span


def _times(facts: Facts, taken_us: Ints) -> Columns:
    """Starts: the arrival less what the event took and what mediation needs; some late or wrong."""
    draws = facts.draws
    started = facts.arrival_us - taken_us - draws.below("mediation", MEDIATION_US)
    late = draws.chance("late-hours", LATE_HOURS) * draws.between("hours", 1, 36) * HOUR_US
    later = draws.chance("late-days", LATE_DAYS) * draws.between("days", 2, 6) * DAY_US
    started = started - late - later
    future = draws.chance("future", FUTURE)
    started = np.where(future, FUTURE_US + draws.below("future-by", DAY_US // 60), started)
    started = np.where(draws.chance("impossible", IMPOSSIBLE_TIME), BEFORE_US, started)
    offset = np.where(started < 1_792_890_000 * SECOND_US, 120, 60)  # clocks change on 2026-10-25
    return {
        "started_at": pa.array(started, pa.timestamp("us")),
        "utc_offset_minutes": pa.array(offset, pa.int32()),
        "test": pa.array(draws.chance("test", TEST)),
    }


def _subscriber(facts: Facts, mine: Marks, guest: Marks, *, imsi: bool) -> Columns:
    """Subscribers: of virtual operators (`mine`), roaming guests, else the operator's own.

    Half of the virtual operators send only the range in clear, zeros behind it, and a token.
    """
    draws = facts.draws
    mvnos = facts.plan.of_model("mvno")
    which = draws.pick("mvno", _popular(len(mvnos)))
    ranges = [m.imsi_range if imsi else m.number_range for m in mvnos]
    prefix = np.array([int(r) for r in ranges], np.int64)[which]
    person = draws.below("person", 200_000)
    length = 15 if imsi else 13
    clear = _digits(prefix, length, person)
    tokened = mine & np.array([m.place % 2 == 1 for m in mvnos])[which]
    hidden = _digits(prefix, length, np.zeros(len(facts), np.int64))
    home = _digits(np.full(len(facts), 26201 if imsi else 49171, np.int64), length, person)
    carriers = facts.plan.of_model("wholesale")
    visitor = draws.below("visitor", len(carriers))
    networks = [c.network for c in carriers]
    abroad = _digits(np.array([int(n) for n in networks], np.int64)[visitor], 15, person)
    number = np.where(mine, np.where(tokened, hidden, clear), np.where(guest, abroad, home))
    token = pc.binary_join_element_wise("t", pa.array(clear).cast(TEXT), "-")
    nothing = pa.scalar(None, TEXT)
    return {
        "subscriber": pa.array(number).cast(TEXT),
        "subscriber_token": pc.if_else(pa.array(tokened), token, nothing),
        "home_network": _names(networks, visitor, guest),
        "visited_network": _names(["26201"], np.zeros(len(facts), np.int64), guest),
        "access_point": _names([m.access_point for m in mvnos], which, mine),
    }


def _popular(count: int) -> list[int]:
    """Weights that fall off: the first has the most."""
    return [1_000_000 // (n + 2) for n in range(count)]


def _route(
    facts: Facts, name: str, carriers: Sequence[Partner], own: Marks, given: Marks
) -> pa.Array:
    """A trunk group: one of a carrier, one of the operator's own, an unknown one, or none."""
    draws = facts.draws
    routes = [route for c in carriers for route in c.routes]
    weights = [w for w in _popular(len(carriers)) for _ in carriers[0].routes]
    unknown = draws.chance(f"unknown-{name}", UNKNOWN_ROUTE) & ~own
    return _merged(
        [
            (~given, pa.nulls(len(facts), TEXT)),
            (own, _names(OWN_ROUTES, draws.below(f"own-{name}", len(OWN_ROUTES)))),
            (unknown, _names(["TX-901", "TX-902"], draws.below(f"strange-{name}", 2))),
            (np.ones(len(facts), bool), _names(routes, draws.pick(name, weights))),
        ]
    )


def _numbers(facts: Facts, to_home: Marks, from_home: Marks) -> Columns:
    """Calling and called numbers; some called ones are ported, some no numbers at all."""
    draws = facts.draws
    places = destinations()
    prefixes = [int(p) for d in places for p in d.prefixes]
    weights = [d.weight * 100 // len(d.prefixes) for d in places for _ in d.prefixes]
    abroad_table = np.array(prefixes, np.int64)
    home_table = np.array([4915, 4916, 4917, 4930, 4940, 4989], np.int64)
    abroad = abroad_table[draws.pick("destination", weights)]
    abroad = np.where(draws.chance("unlisted", UNLISTED), UNLISTED_PREFIX, abroad)
    at_home = home_table[draws.below("home-called", len(home_table))]
    tail = draws.bits("b").view(np.int64) & _POSITIVE
    called = _digits(np.where(to_home, at_home, abroad), 12, tail)
    caller = np.where(
        from_home,
        home_table[draws.below("home-caller", len(home_table))],
        abroad_table[draws.pick("origin", weights)],
    )
    calling = _digits(caller, 12, draws.bits("a").view(np.int64) & _POSITIVE)
    ported = to_home & draws.chance("ported", 50_000)
    routing = _digits(np.full(len(facts), 4917, np.int64), 12, draws.below("lrn", 100) * 10**6)
    called_text = pa.array(called).cast(TEXT)
    wrong = draws.chance("invalid-number", INVALID_NUMBER)
    if wrong.any():
        bad = _names(["+4930123456", "49 30 1234", "anonymous"], draws.below("invalid", 3))
        called_text = pc.if_else(pa.array(wrong), bad, called_text)
    return {
        "calling_number": pa.array(calling).cast(TEXT),
        "called_number": called_text,
        "routing_number": pc.if_else(
            pa.array(ported), pa.array(routing).cast(TEXT), pa.scalar(None, TEXT)
        ),
    }


_POSITIVE = np.int64(2**63 - 1)
INBOUND, OUTBOUND, TRANSIT, ON_NET, ROAMING = range(5)
WAYS = (380, 360, 80, 140, 40)


def _crossing(facts: Facts) -> tuple[Columns, Marks]:
    """What calls and messages share: way, routes, numbers and subscriber. Also who is a guest."""
    draws = facts.draws
    way = draws.pick("way", WAYS)
    carriers = facts.plan.of_model("wholesale")
    everything = np.ones(len(facts), bool)
    keyless = draws.chance("no-key", NO_KEY)
    transit = way == TRANSIT
    own = way == ON_NET
    incoming = (way == INBOUND) | transit
    outgoing = (way == OUTBOUND) | transit
    # Transit comes in from carriers with one price for any destination: decks of the home
    # country do not list those abroad.
    flat = [c for c in carriers if c.place % 2 == 0]
    in_any = _route(facts, "ingress", carriers, own, (incoming | own) & ~keyless)
    in_flat = _route(facts, "transit", flat, own, incoming & ~keyless)
    mine = ((way == OUTBOUND) | own) & draws.chance("of-mvno", 450_000) & ~keyless
    guest = (way == ROAMING) & ~keyless
    subscriber = _subscriber(facts, mine, guest, imsi=False)
    del subscriber["access_point"]
    known = pa.array((mine | (way == OUTBOUND) | own | guest) & ~keyless)
    subscriber["subscriber"] = pc.if_else(known, subscriber["subscriber"], pa.scalar(None, TEXT))
    columns = {
        "direction": _names(["in", "out"], np.where(way == INBOUND, 0, 1)),
        "ingress_route": pc.if_else(pa.array(transit), in_flat, in_any),
        "egress_route": _route(facts, "egress", carriers, own, (outgoing | own) & ~keyless),
        **_numbers(facts, (way == INBOUND) | own, everything & ~incoming),
        **subscriber,
    }
    return columns, guest


def voice(facts: Facts) -> Columns:
    """Calls; one in twelve is not answered, long ones come in parts of which one is shown."""
    draws = facts.draws
    columns, _ = _crossing(facts)
    answered = ~draws.chance("unanswered", 80_000)
    duration = answered * draws.heavy("duration", 11, 20)
    negative = draws.chance("negative", NEGATIVE)
    reported = np.where(negative, -duration - 1, duration) + facts.conflicting * 60_000
    partial = duration > 15 * 60_000
    columns |= _times(facts, duration * 1_000)
    return columns | {
        "duration_ms": pa.array(reported),
        "release_cause": pa.array(np.where(answered, 16, 19), pa.int32()),
        "session_id": _merged([(partial, pa.array(draws.below("session", 10**9)).cast(TEXT))]),
        "partial_sequence": pa.array(np.ones(len(facts), np.int32), mask=~partial),
        "partial_final": pa.array(np.ones(len(facts), bool), mask=~partial),
    }


def sms(facts: Facts) -> Columns:
    """Messages of one part, seldom of more."""
    columns, _ = _crossing(facts)
    parts = 1 + facts.draws.pick("parts", (900, 70, 30))
    negative = facts.draws.chance("negative", NEGATIVE)
    units = np.where(negative, -1, parts) + facts.conflicting
    columns |= _times(facts, np.zeros(len(facts), np.int64))
    return columns | {"units": pa.array(units)}


DATA_MINE, DATA_GUEST = 0, 1


def data(facts: Facts) -> Columns:
    """Parts of data sessions, of virtual operators' subscribers, guests and the operator's own."""
    draws = facts.draws
    who = draws.pick("who", (600, 220, 180))
    guest = who == DATA_GUEST
    columns = _subscriber(facts, who == DATA_MINE, guest, imsi=True)
    unknown = draws.chance("unknown-apn", UNKNOWN_KEY) & (who != DATA_MINE) & ~guest
    own = _names(OWN_ACCESS_POINTS, draws.below("own-apn", len(OWN_ACCESS_POINTS)))
    everything = np.ones(len(facts), bool)
    columns["access_point"] = _merged(
        [
            (who == DATA_MINE, columns["access_point"]),
            (guest, pa.nulls(len(facts), TEXT)),
            (unknown, _names(["apn.unknown"], np.zeros(len(facts), np.int64))),
            (everything, own),
        ]
    )
    duration = draws.below("duration", 3_600_000)
    down = draws.heavy("down", 10, 31)
    negative = draws.chance("negative", NEGATIVE)
    return (
        columns
        | _times(facts, duration * 1_000)
        | {
            "direction": _names(["out"], np.zeros(len(facts), np.int64)),
            "rating_group": pa.array(draws.pick("group", (700, 200, 100)) * 10, pa.int32()),
            "volume_up_bytes": pa.array(down >> draws.between("up", 2, 6)),
            "volume_down_bytes": pa.array(np.where(negative, -down, down) + facts.conflicting),
            "duration_ms": pa.array(duration),
            "session_id": pa.array(draws.below("session", 10**9)).cast(TEXT),
            "partial_sequence": pa.array(draws.below("part", 12), pa.int32()),
            "partial_final": pa.array(draws.chance("final", 200_000)),
        }
    )


def _product(facts: Facts, length_us: int) -> Columns:
    """What circuits and bandwidth samples share: a circuit and an aligned interval of time."""
    draws = facts.draws
    products = [p for c in facts.plan.of_model("wholesale") for p in c.products]
    unknown = draws.chance("unknown-product", UNKNOWN_KEY)
    known = _names(products, draws.below("product", len(products)))
    strange = _names(["CIR-UNKNOWN"], np.zeros(len(facts), np.int64))
    times = _times(facts, np.full(len(facts), length_us, np.int64))
    started = times["started_at"].view(pa.int64()).to_numpy() // length_us * length_us
    ended = np.where(draws.chance("negative", NEGATIVE), started - 1, started + length_us)
    return times | {
        "direction": _names(["out"], np.zeros(len(facts), np.int64)),
        "product_instance": pc.if_else(pa.array(unknown), strange, known),
        "started_at": pa.array(started, pa.timestamp("us")),
        "ended_at": pa.array(ended, pa.timestamp("us")),
    }


def bandwidth(facts: Facts) -> Columns:
    """Volumes of a circuit in five minutes."""
    volume = facts.draws.heavy("volume", 24, 36)
    return _product(facts, 5 * MINUTE_US) | {
        "volume_up_bytes": pa.array(volume // 3),
        "volume_down_bytes": pa.array(volume + facts.conflicting),
    }


def circuit(facts: Facts) -> Columns:
    """A day of a circuit."""
    return _product(facts, DAY_US) | {"units": pa.array(1 + facts.conflicting)}


SALES = ("sale", "refund")
OWN_SALE, STRANGE_SALE = 2, 3


def transaction(facts: Facts) -> Columns:
    """Sales and a few refunds: by resellers, by way of referrers, in own shops."""
    draws = facts.draws
    sellers = facts.plan.of_model("reseller"), facts.plan.of_model("referral")
    who = draws.pick("seller", (480, 270, 247, UNKNOWN_KEY // 1_000))
    channels = [(channel, s) for group in sellers for s in group for channel in s.channels]
    split = len(sellers[0]) * len(sellers[0][0].channels)
    resold, referred = draws.below("resold", split), draws.below("referred", len(channels) - split)
    pick = np.where(who == 0, resold, split + referred)
    strange = _names(["CH-UNKNOWN"], np.zeros(len(facts), np.int64))
    channel = _merged(
        [
            (who == STRANGE_SALE, strange),
            (who == OWN_SALE, _names(OWN_CHANNELS, draws.below("own", len(OWN_CHANNELS)))),
            (who < OWN_SALE, _names([name for name, _ in channels], pick)),
        ]
    )
    currency = _names([s.currency for _, s in channels], pick)
    foreign = draws.chance("foreign", FOREIGN_CURRENCY)
    currency = pc.if_else(pa.array(foreign), pa.scalar("SEK", TEXT), currency)
    cents = draws.between("cents", 99, 60_000)
    refund = draws.chance("refund", 30_000)
    micros = np.where(refund, -cents, cents) * 10_000 + facts.conflicting * 10_000
    return _times(facts, np.zeros(len(facts), np.int64)) | {
        "direction": _names(["out"], np.zeros(len(facts), np.int64)),
        "sales_channel": channel,
        "transaction_type": _names(SALES, refund.astype(np.int64)),
        "retail_amount_micros": pa.array(micros),
        "retail_currency": currency,
    }


FAMILIES: dict[Service, Callable[[Facts], Columns]] = {
    Service.VOICE: voice,
    Service.SMS: sms,
    Service.DATA: data,
    Service.BANDWIDTH: bandwidth,
    Service.CIRCUIT: circuit,
    Service.TRANSACTION: transaction,
}
