"""Rate decks of the invented operator: a dialling plan, and a price for each of its zones.

A destination is a country's fixed or mobile network. The plan's prefixes nest as real ones do: the
country code catches what no longer prefix does. Prices change with the turn of the month in some
zones, so that traffic around it meets two rates.
"""

from __future__ import annotations

from dataclasses import dataclass

from ops.generate_draws import scalar_below

# country, dialling code, leading digits of mobile numbers behind it, popularity
COUNTRIES: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("france", "33", ("6", "7"), 90),
    ("united-kingdom", "44", ("74", "75", "77", "78", "79"), 80),
    ("poland", "48", ("50", "51", "60", "66", "72", "78"), 75),
    ("turkey", "90", ("53", "54", "55"), 75),
    ("italy", "39", ("32", "33", "34", "36"), 60),
    ("austria", "43", ("650", "660", "664", "676", "699"), 55),
    ("switzerland", "41", ("75", "76", "77", "78", "79"), 50),
    ("romania", "40", ("72", "73", "74", "75", "76"), 45),
    ("netherlands", "31", ("6",), 40),
    ("spain", "34", ("6", "71", "72"), 40),
    ("ukraine", "380", ("50", "63", "66", "67", "93"), 35),
    ("greece", "30", ("69",), 25),
    ("united-states", "1", (), 30),
    ("czechia", "420", ("60", "72", "73", "77"), 22),
    ("croatia", "385", ("91", "95", "98"), 20),
    ("serbia", "381", ("60", "62", "63", "64"), 20),
    ("morocco", "212", ("6", "7"), 18),
    ("syria", "963", ("93", "94", "95", "98"), 15),
    ("india", "91", ("7", "8", "9"), 15),
    ("nigeria", "234", ("70", "80", "81", "90"), 12),
    ("belgium", "32", ("46", "47", "48", "49"), 12),
    ("sweden", "46", ("70", "72", "73", "76"), 10),
    ("russia", "7", ("90", "91", "92", "95", "96"), 10),
    ("brazil", "55", ("119", "219", "319"), 8),
    ("vietnam", "84", ("3", "5", "7", "8", "9"), 8),
    ("lebanon", "961", ("3", "70", "71", "76"), 6),
    ("cuba", "53", ("5",), 4),
    ("somalia", "252", ("61", "63", "90"), 4),
    ("satellite", "8816", (), 1),
)
HOME = (("home-fixed", ("49",)), ("home-mobile", ("4915", "4916", "4917")))
INCREMENTS = ((1, 1), (30, 6), (60, 60))
CHANGE = "2026-11-01"  # some rates change with the month
OPENING = "2026-01-01"
RARE = 5  # destinations of at most this popularity are dear


@dataclass(frozen=True)
class Destination:
    """Where traffic goes: a zone's name, its prefixes and how popular it is."""

    zone: str
    prefixes: tuple[str, ...]
    weight: int


def destinations() -> tuple[Destination, ...]:
    """Every destination abroad, by popularity; two of three calls go to mobiles."""
    found: list[Destination] = []
    for country, code, mobile, weight in COUNTRIES:
        found.append(Destination(f"{country}-fixed", (code,), weight))
        if mobile:
            prefixes = tuple(code + digits for digits in mobile)
            found.append(Destination(f"{country}-mobile", prefixes, 2 * weight))
    return tuple(found)


def home_destinations() -> tuple[Destination, ...]:
    """The operator's own country."""
    return tuple(Destination(zone, prefixes, 1) for zone, prefixes in HOME)


def deck_files(seed: int) -> dict[str, str]:
    """The decks directory: three decks of carriers for abroad and one for the home country."""
    files: dict[str, str] = {}
    for number in range(1, 4):
        initial, following = INCREMENTS[number - 1]
        abroad = (*destinations(), *home_destinations())
        files |= _deck(seed, f"carrier-{number}", abroad, initial, following)
    return files | _deck(seed, "home", home_destinations(), 1, 1)


def _deck(
    seed: int, name: str, zones: tuple[Destination, ...], initial: int, following: int
) -> dict[str, str]:
    """One deck's two files."""
    prefixes = ["prefix,zone"]
    rates = ["zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto"]
    for zone in zones:
        prefixes += [f"{prefix},{zone.zone}" for prefix in zone.prefixes]
        mobile = zone.zone.endswith("mobile")
        low, high = (20_000, 90_000) if mobile else (2_000, 30_000)
        if zone.weight <= RARE:
            low, high = 200_000, 900_000
        micros = low + scalar_below(seed, f"{name}:{zone.zone}", high - low)
        fee = "0.005" if scalar_below(seed, f"fee:{name}:{zone.zone}", 6) == 0 else "0"
        terms = f"{initial},{following},{fee}"
        if scalar_below(seed, f"change:{name}:{zone.zone}", 3) == 0:
            changed = micros * 21 // 20
            rates.append(f"{zone.zone},{_price(micros)},{terms},{OPENING},{CHANGE}")
            rates.append(f"{zone.zone},{_price(changed)},{terms},{CHANGE},")
        else:
            rates.append(f"{zone.zone},{_price(micros)},{terms},{OPENING},")
    return {
        f"decks/{name}.prefixes.csv": "\n".join(prefixes) + "\n",
        f"decks/{name}.rates.csv": "\n".join(rates) + "\n",
    }


def _price(micros: int) -> str:
    """Micros as a decimal."""
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
