"""Worlds in which totals are taxed, converted and compared with what partners declare.

Terms of payment are put into the versions of a world that is there already; the rest of it stays as
it is. Rates of exchange have gaps, some of which are filled when reference is mended.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from random import Random

from tests.world_deals import QUANTITIES
from tests.worlds import World

TERMS = re.compile(r"(currency: (EUR|USD), period: \w+, rounding: \{[^}]*\})")
SWAP = re.compile(r"{deal: (swap-[\w-]+), price: {kind: swap, per: (\w+)")
QUOTES = ("JPY", "KWD", "EUR", "USD")
DAYS = [f"2026-10-{day}" for day in range(20, 32)] + [f"2026-11-{day:02d}" for day in range(1, 31)]
RATES = ("1.0837", "0.000000000123", "157.3", "82.42135", "1", "0.307112345678")


def paying(world: World) -> World:
    """A world whose versions have terms of payment, most of them."""
    random = Random(world.seed)

    def more(found: re.Match[str]) -> str:
        terms, currency = found[1].replace("decimals: 2}", "decimals: currency}"), found[2]
        return f"{terms}{_terms(random, currency)}"

    text = TERMS.sub(more, _declaring(world.reference["agreements.yaml"]))
    before, after = _rates(random)
    return replace(
        world,
        reference={**world.reference, "agreements.yaml": text, "fx.csv": before},
        mended={**world.mended, "agreements.yaml": text, "fx.csv": after},
    )


def _declaring(agreements: str) -> str:
    """Agreements in which partners declare one side of most swaps.

    A name says what is declared, so that a figure means the same in every version.
    """
    first, *versions = re.split("(?={version: )", agreements)
    found = [first]
    for text in versions:
        terms, random = TERMS.search(text), Random(text)
        currency = "" if terms is None else terms[2]
        found.append(SWAP.sub(partial(_declared, currency, random.choice(["in", "out"])), text))
    return "".join(found)


def _declared(currency: str, side: str, swap: re.Match[str]) -> str:
    """The beginning of a swap that takes the figure of one side."""
    counts = QUANTITIES.get(swap[2], "volume")
    named, price = f"swap-{currency}-{counts}-{side}", swap[0].split(" price: ", 1)[1]
    return f"{{deal: {named}, price: {price}, declared: {side}"


def _terms(random: Random, currency: str) -> str:
    """Tax, settlement and tolerance of a version, or some of them."""
    fields = []
    if random.random() < 2 / 3:
        fields.append(f"tax: {{percent: {random.choice(['25', '19', '7.7', '0'])}}}")
    if random.random() < 2 / 3:
        quote = random.choice([q for q in QUOTES if q != currency])
        on = random.choice(["period_end", "period_start"])
        rounding = random.choice(["", ", mode: up", ", mode: floor, decimals: 4"])
        fields.append(f"settle_in: {{currency: {quote}, source: ECB, on: {on}{rounding}}}")
    if random.random() < 2 / 3:
        limit = random.choice(
            ["percent: 1", "absolute: 5", "percent: 50, absolute: 5, rule: either, basis: declared"]
        )
        fields.append(f"tolerance: {{{limit}}}")
    return "".join(f", {field}" for field in fields)


def _rates(random: Random) -> tuple[str, str]:
    """Rates on some days, and the same with more of them."""
    rows = ["source,base,quote,date,rate"]
    new = []
    for base in ("EUR", "USD"):
        for quote in (q for q in QUOTES if q != base):
            rows.append(f"ECB,{base},{quote},2026-09-01,1.5")
            for day in DAYS:
                row = f"ECB,{base},{quote},{day},{random.choice(RATES)}"
                chosen = random.random()
                rows += [row] if chosen < 1 / 12 else []
                new += [row] if chosen > 11 / 12 else []
    return "\n".join(rows) + "\n", "\n".join([*rows, *new]) + "\n"
