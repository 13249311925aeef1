"""Small random worlds: a reference, usage as bytes, and what happens to them, all from one seed.

Examples that people think of agree with the program they have in mind. A world is drawn instead:
few agreements with every kind of price, rounding, zone and leg; few sources, whose usage repeats,
contradicts itself and stands on every edge that reference has. What is drawn stays small, so that a
world that two settlements disagree about can be read by a person. Worlds are drawn from a seed
alone, and usage message by message, so that a failing world shrinks to fewer messages of the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from tests.world_bands import with_bands
from tests.world_curves import deals_text, tiers_text
from tests.world_deals import deals_of, with_deals
from tests.world_intervals import with_intervals
from tests.world_prices import with_more
from tests.world_usage import Edges, Sent, Sources, messages_of

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
WINDOW_FROM_US = 1_792_713_600_000_000  # 2026-10-23T00:00:00Z: two clock changes and a month's end
WINDOW_DAYS = 12

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
MODES = ("half_up", "half_even", "up", "down", "ceiling", "floor")
PRICES = ("0", "0.000000001", "0.004", "0.0125", "0.333333333", "1.5", "12.345678912")
PERS = {
    "voice": {"event": 1, "second": 1, "minute": 60, "hour": 3600},
    "sms": {"event": 1, "unit": 1},
    "data": {"byte": 1, "kilobyte": 10**3, "megabyte": 10**6, "gibibyte": 2**30, "second": 1},
    "bandwidth": {"event": 1, "megabyte": 10**6, "mebibyte": 2**20, "gigabyte": 10**9},
    "circuit": {"event": 1, "unit": 1},
    "transaction": {"event": 1, "unit": 1},
}
TIMED = ("second", "minute", "hour")
ROLES = {
    "voice": ("ingress", "egress", "subscriber"),
    "sms": ("ingress", "egress", "subscriber"),
    "data": ("subscriber",),
    "bandwidth": ("product",),
    "circuit": ("product",),
    "transaction": ("channel", "product", "subscriber"),
}
# The keys that usage may name: the last one of each kind is listed only when reference is mended.
KEYS = {
    "route": ("R1", "R2", "R3", "R4", "R-NEW"),
    "access_point": ("ap-1", "ap-2", "ap-new"),
    "network": ("26201", "24201", "99999"),
    "product": ("P1", "P2", "P3", "P-NEW"),
    "channel": ("C1", "C2", "C-NEW"),
}
RANGES = {
    "number_range": ("47", "4790", "47901", "491701", "2620155"),
    "imsi_range": ("26201", "262015", "24201"),
}
PREFIXES = ("4", "49", "4917", "49301", "1", "1809", "86")


@dataclass(frozen=True)
class World:
    """A reference, its mended successor, and usage in the order of the log."""

    seed: int
    reference: Mapping[str, str]
    mended: Mapping[str, str]
    pools: Mapping[str, str]
    usage: tuple[Sent, ...]
    usage_partitions: int
    settlement_partitions: int

    def write(self, directory: Path, *, mended: bool = False) -> Path:
        """The reference as a directory."""
        for name, content in (self.mended if mended else self.reference).items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return directory


def make_world(seed: int, messages: int = 40) -> World:
    """The world of a seed; with fewer messages it is the beginning of the same world."""
    random = Random(seed)
    usage_partitions, settlement_partitions = random.randint(1, 3), random.randint(1, 3)
    boundaries = sorted(random.sample(range(48, (WINDOW_DAYS - 2) * 24), 6))
    moments = [WINDOW_FROM_US + hour * 3600 * SECOND_US for hour in boundaries]
    names = [f"A{number}" for number in range(1, random.randint(3, 6))]
    pools = {name: random.choice([name, name, "POOL"]) for name in names}
    agreements = "".join(_agreement(random, name, pools[name], moments) for name in names)
    agreements, bands = with_bands(with_intervals(agreements, seed), seed)
    listed, new = _attribution(random, names, moments)
    files = {
        "partners.yaml": "".join(f"- {{partner: P-{name}, name: {name}}}\n" for name in names),
        "agreements.yaml": agreements,
        "attribution.csv": listed,
        **_deck(random, "STD", moments),
        **_deck(random, "ALT", moments),
        **bands,
    }
    mended = files | {"attribution.csv": listed + new}
    for deck in ("STD", "ALT"):
        file = f"decks/{deck}.prefixes.csv"
        more = [str(digit) for digit in range(1, 10) if f"\n{digit}," not in files[file]]
        mended[file] = files[file] + "".join(f"{prefix},Z1\n" for prefix in more)
    subscribers = [*RANGES["number_range"], *RANGES["imsi_range"]]
    edges = Edges(WINDOW_FROM_US, WINDOW_DAYS, tuple(moments), KEYS, PREFIXES, tuple(subscribers))
    usage = messages_of(seed, messages, edges, Sources(usage_partitions))
    return World(seed, files, mended, pools, usage, usage_partitions, settlement_partitions)


def worlds(messages_max: int = 60) -> st.SearchStrategy[World]:
    """Any world; it shrinks to fewer messages, and to the seed that explains them."""
    return st.builds(make_world, st.integers(0, 2**32), st.integers(1, messages_max))


def _when(moment_us: int, random: Random) -> str:
    """A boundary as reference files write it: a date at midnight, else a timestamp with offset."""
    days, second = divmod(moment_us // SECOND_US, 86_400)
    day = days - WINDOW_FROM_US // SECOND_US // 86_400
    date = f"2026-10-{23 + day}" if day < 9 else f"2026-11-{day - 8:02d}"
    if second == 0 or random.random() < 1 / 3:
        return date
    return f'"{date}T{second // 3600:02d}:30:{random.randint(0, 59):02d}+01:00"'


def _agreement(random: Random, name: str, pool: str, moments: list[int]) -> str:
    """One agreement of up to three versions, which may change zone, currency and rounding."""
    first, second = random.choice(moments[:3]), random.choice(moments[3:])
    # Dates mean midnight in the agreement's zone, timestamps do not: keep days between them.
    ends = [first, second] if second - first > 2 * DAY_US else [second]
    boundaries = [_when(moment, random) for moment in ends[: random.randint(0, 2)]]
    start = random.choice(["2026-01-01", "2026-01-01", "2026-10-23"])
    spans = list(zip([start, *boundaries], [*boundaries, ""], strict=True))
    period, zone = random.choice(["month", "month", "day"]), random.choice(ZONES)
    if random.random() < 1 / 8:
        spans[-1] = (spans[-1][0], "2026-11-05")
    versions = []
    for number, (valid_from, valid_upto) in enumerate(spans, 1):
        upto = f", valid_upto: {valid_upto}" if valid_upto else ""
        place, mode = random.choice(["record", "line", "statement"]), random.choice(MODES)
        decimals = random.choice([-2, 0, 1, 2, 2, 3, 4, 6, 6])
        currency = random.choice(["EUR", "EUR", "USD"])
        rounding = f"{{place: {place}, mode: {mode}, decimals: {decimals}}}"
        listed_items = _items(random, decimals if place == "record" else 6)
        priced, more = with_deals(listed_items, zone)
        items = ", ".join(priced)
        plain = [item for item in priced if "kind: counted" not in item]
        versions.append(
            f"{{version: {number}, valid_from: {valid_from}{upto}, zone: {zone}, "
            f"currency: {currency}, period: {period}, rounding: {rounding},\n   items: [{items}]"
            f"{deals_of(deals_text(plain), more)}}}"
        )
    listed = ",\n  ".join(versions)
    return (
        f"- {{agreement: {name}, partner: P-{name}, model: wholesale, pool: {pool},\n"
        f"  versions: [{listed}]}}\n"
    )


def _items(random: Random, decimals: int) -> list[str]:
    """Items of a version; the same name means the same role and service in every version."""
    items = []
    for service, roles in ROLES.items():
        for role in roles:
            if random.random() < 1 / 6:
                continue
            split = random.choice([("any",), ("any",), ("in",), ("in", "out")])
            for direction in split:
                flow = random.choice(["receivable", "payable"])
                name = f"{service}-{role}-{direction}"
                price = with_more(_price(random, service, decimals), name)
                items.append(
                    f"{{item: {name}, role: {role}, service: {service}, "
                    f"direction: {direction}, flow: {flow}, price: {price}}}"
                )
    return items


def _price(random: Random, service: str, decimals: int) -> str:
    """A price that fits the service and can be rounded to so many decimals."""
    kind = random.choice(["unit", "unit", "tiers"])
    if service == "voice" and random.random() < 1 / 2:
        return f"{{kind: deck, deck: {random.choice(['STD', 'ALT'])}}}"
    if service == "transaction" and random.random() < 2 / 3:
        return (
            f'{{kind: share, percent: "{random.choice(["0", "30", "12.5", "3.1234567", "100"])}"}}'
        )
    fitting = [per for per, unit in PERS[service].items() if unit * 10 ** (9 - decimals) <= 2**61]
    per = random.choice(fitting or ["event"])
    timed = ""
    if per in TIMED:
        initial, following = random.choice([(1, 1), (60, 60), (30, 6), (1, 60), (6, 1)])
        timed = f", initial_seconds: {initial}, next_seconds: {following}"
    if kind == "unit":
        fee = random.choice(["0", "0", "0.01", "0.000000007"])
        return (
            f'{{kind: unit, per: {per}, amount: "{random.choice(PRICES)}", '
            f'connect_fee: "{fee}"{timed}}}'
        )
    bounds = sorted(random.sample([1, 2, 3, 5, 10, 100], random.randint(0, 3)))
    steps = [(bound, random.choice(PRICES)) for bound in [*bounds, None]]
    return tiers_text(service, per, timed, steps)


def _attribution(random: Random, names: list[str], moments: list[int]) -> tuple[str, str]:
    """Whom keys stand for, and the rows that a mended reference has more."""
    owners = [*names, *names, "own"]
    rows = ["kind,key,agreement,valid_from,valid_upto"]
    new = []
    for kind, keys in (KEYS | RANGES).items():
        for key in keys if kind in RANGES else keys[:-1]:
            edge = _when(random.choice(moments), random).strip('"')
            first, second = random.choice(owners), random.choice(owners)
            rows += random.choice(
                [
                    [f"{kind},{key},{first},,"],
                    [f"{kind},{key},{first},,"],
                    [f"{kind},{key},{first},,{edge}", f"{kind},{key},{second},{edge},"],
                    [f"{kind},{key},{first},{edge},"],
                    [f"{kind},{key},{first},,{edge}"],
                    [] if kind in RANGES else [f"{kind},{key},own,,"],
                ]
            )
        if kind not in RANGES:
            new.append(f"{kind},{keys[-1]},{random.choice(owners)},,")
    return "\n".join(rows) + "\n", "\n".join(new) + "\n"


def _deck(random: Random, name: str, moments: list[int]) -> dict[str, str]:
    """A deck of three zones; a zone may have begun late, or change its rate."""
    prefixes = ["prefix,zone", *(f"{p},Z{random.randint(1, 3)}" for p in PREFIXES if p != "86")]
    columns = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee"
    rates = [f"{columns},valid_from,valid_upto"]
    for number in (1, 2, 3):
        edge = _when(random.choice(moments), random).strip('"')
        for valid in random.choice([[","], [","], [f",{edge}", f"{edge},"], [f"{edge},"]]):
            price = random.choice(["0.012", "0.0333", "1.5", "0", "0.000000001"])
            first, following = random.choice([(1, 1), (60, 60), (30, 6)])
            fee = random.choice(["0", "0.01", "0.0005"])
            rates.append(f"Z{number},{price},{first},{following},{fee},{valid}")
    return {
        f"decks/{name}.prefixes.csv": "\n".join(prefixes) + "\n",
        f"decks/{name}.rates.csv": "\n".join(rates) + "\n",
    }
