"""The reference files of `ops/bench/mix.py`: agreements of the mix and of plain prices, decks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ops.bench.mix import (
    ATTEMPT,
    FAR,
    LEAST,
    MOST,
    NEAR,
    ORIGINS,
    STYLES,
    MixDeck,
    deck_of,
    decks,
    off_peak_of,
    receiver,
)
from ops.bench.recipe import ORIGINAL, SEED, market
from ops.bench.workload import SIDES, agreement_name, agreement_of, euros, write_lines, write_market

Side = tuple[str, str, str]  # direction, role, flow

RATES = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto"
BANDS = """\
- bands: HOURS
  days:
    mon-sun:
      - {from: "00:00", band: off}
      - {from: "08:00", band: peak}
      - {from: "18:00", band: off}
"""


def write_mix(directory: Path) -> None:
    """Agreements of all styles, with their decks and time bands."""
    _write_market(directory, mix_items)
    (directory / "bands.yaml").write_text(BANDS, encoding="utf-8")
    write_decks(directory / "decks")


def write_plain(directory: Path) -> None:
    """Agreements with a price a unit for everything."""
    _write_market(directory, plain_items)


def write_decks(directory: Path) -> None:
    """The 200 decks, 1,000,000 prefixes in all; every fifth has a rate for each band."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, deck in enumerate(decks()):
        name = deck_name(number)
        write_lines(
            directory / f"{name}.prefixes.csv", ["prefix,zone", *(f"{p},{p}" for p in deck.minute)]
        )
        lines = [RATES, *_rates(deck)]
        if number % STYLES == 0:
            lines = [f"{RATES},band", *(f"{line},peak" for line in _rates(deck))]
            lines += [f"{line},off" for line in _rates(off_peak_of(deck))]
        write_lines(directory / f"{name}.rates.csv", lines)
    prefixes = ["prefix,zone", *(f"{p},{p}" for p in ORIGINS)]
    write_lines(directory / "ORIGIN.prefixes.csv", prefixes)
    rates = [f"{p},{euros(micros)},60,60,0,," for p, micros in ORIGINS.items()]
    write_lines(directory / "ORIGIN.rates.csv", [RATES, *rates])


def deck_name(number: int) -> str:
    """The name of a deck of the mix."""
    return f"MIX-{number:03d}"


def _rates(deck: MixDeck) -> Iterable[str]:
    terms = f"{deck.initial},{deck.following},{euros(deck.connect)},,"
    return (f"{prefix},{euros(micros)},{terms}" for prefix, micros in deck.minute.items())


def _write_market(directory: Path, items: Callable[[int], Iterable[str]]) -> None:
    """Partners and routes of `settle-bench v1`, and an agreement each of these items."""
    known = market(SEED, ORIGINAL)
    places = {name: number for number, name in enumerate(known.decks_of)}
    directory.mkdir(parents=True, exist_ok=True)
    write_market(directory, known, lambda name, _: agreement_of(name, items(places[name])))


def plain_items(_: int) -> Iterator[str]:
    """A price a unit for each service and direction."""
    prices = {
        "voice": "{kind: unit, per: minute, amount: 0.036}",
        "sms": "{kind: unit, per: event, amount: 0.018}",
        "data": "{kind: unit, per: megabyte, amount: 0.0025}",
    }
    for side in SIDES:
        for service, price in prices.items():
            yield _item(service, side, price)


def mix_items(partner: int) -> Iterator[str]:
    """The items of a partner by its style."""
    for number, side in enumerate(SIDES):
        yield from _voice_items(partner % STYLES, deck_name(deck_of(partner, number)), side)
        sms = "{kind: unit, per: event, amount: 0.018}"
        data = "{kind: unit, per: megabyte, amount: 0.0025, minimum: 0.001, maximum: 2}"
        count = "count: {initial: 100000, next: 10000, minimum: 50000}"
        if partner % 2:
            sms = (
                "{kind: unit, per: event, bands: {of: HOURS, split: start_band,"
                " prices: {peak: {amount: 0.027}, off: {amount: 0.018}}}}"
            )
            data = (
                "{kind: tiers, each: event, per: megabyte, curve: volume,"
                " tiers: [{up_to: 1, price: 0.0033}, {price: 0.0017}]}"
            )
            count = ""
        yield _item("sms", side, sms, _split(partner, side))
        yield _item("data", side, data, count)
        if partner % 4 == 1:
            covers = f"role: {side[1]}, service: sms, direction: {side[0]}, flow: {side[2]}"
            yield f"{{item: received-{side[0]}, {covers}, price: {{kind: received}}}}"


def _split(partner: int, side: Side) -> str:
    """Three fifths for the partner itself, the rest for another agreement; or nothing."""
    other = receiver(partner)
    if other is None:
        return ""
    name = agreement_name(f"P{other:03d}")
    rest = f"{{agreement: {name}, item: received-{side[0]}, percent: 40}}"
    return f"split: {{rule: largest_remainder, parties: [{{percent: 60}}, {rest}]}}"


def _voice_items(style: int, deck: str, side: Side) -> Iterator[str]:
    """How calls are priced."""
    plain = f"{{kind: deck, deck: {deck}}}"
    match style:
        case 0:
            bands = "bands: {of: HOURS, split: complete_increment}"
            yield _item("voice", side, f"{{kind: deck, deck: {deck}, {bands}}}")
        case 1:
            less = f"less_percent: 25, minimum: {euros(LEAST)}, maximum: {euros(MOST)}"
            fee = f"attempt_fee: {euros(ATTEMPT)}"
            yield _item("voice", side, f"{{kind: deck, deck: {deck}, {less}, {fee}}}")
            origin = "{kind: deck, deck: ORIGIN, number: calling}"
            yield _item("voice", side, origin, "surcharge: true", "-origin")
        case 2:
            near = (
                "{kind: unit, per: minute, bands: {of: HOURS, split: round_each_band, prices: {"
                "peak: {amount: 0.021, connect_fee: 0.001, initial_seconds: 60, next_seconds: 60},"
                "off: {amount: 0.009, connect_fee: 0.001, initial_seconds: 30, next_seconds: 6}}}}"
            )
            yield _item("voice", side, near, f"where: {{called: [{_listed(NEAR)}]}}", "-near")
            yield _item("voice", side, plain)
        case 3:
            tiers = "tiers: [{up_to: 1, step: 60, price: 0.09}, {price: 0.031}]"
            limits = f"connect_fee: 0.01, maximum: {euros(MOST)}"
            steps = f"{{kind: tiers, each: event, per: minute, {limits}, {tiers}}}"
            yield _item("voice", side, steps)
        case _:
            far = "{kind: unit, per: minute, amount: 0.0444}"
            yield _item("voice", side, far, f"where: {{calling: [{_listed(FAR)}]}}", "-far")
            yield _item("voice", side, plain, "count: {whole: session}")


def _listed(prefixes: Iterable[str]) -> str:
    return ", ".join(f'"{prefix}"' for prefix in prefixes)


def _item(service: str, side: Side, price: str, more: str = "", suffix: str = "") -> str:
    """One item in YAML; data, which has no route, is of its access point's owner."""
    direction, role, flow = side
    role = "subscriber" if service == "data" else role
    said = [f"item: {service}-{direction}{suffix}", f"role: {role}", f"service: {service}"]
    said += [f"direction: {direction}", f"flow: {flow}", *([more] if more else [])]
    return f"{{{', '.join([*said, f'price: {price}'])}}}"
