"""Time bands for random worlds: some unit prices of a world become prices by band.

The agreements of a world are drawn first, and then read once more: every unit price or deck may
become a price by band, a unit price with its own figures in one band and others in the rest. What
is drawn here has a seed of its own, so that worlds without bands stay what they were.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

UNIT = re.compile(
    r'\{kind: unit, per: (?P<per>\w+), amount: "(?P<amount>[0-9.]+)", '
    r'connect_fee: "(?P<fee>[0-9.]+)"(?P<timed>, initial_seconds: \d+, next_seconds: \d+)?'
    r"(?P<limits>[^}]*)\}(?P<count>, count:)?"
)
DECK = re.compile(r"\{kind: deck, deck: \w+\}")
BY_TIME = (
    '{kind: unit, per: minute, amount: "0.0125", connect_fee: "0.01", '
    "initial_seconds: 30, next_seconds: 6}"
)
BANDS = ("day", "night", "peak")
DAYS = ("mon-thu", "fri", "sat", "sun", "holiday")
AMOUNTS = ("0", "0.000000001", "0.02", "0.3333", "7.5")
SPLITS = ("complete_increment", "complete_increment", "round_each_band", "start_band")


def with_bands(agreements: str, seed: int) -> tuple[str, Mapping[str, str]]:
    """Agreements of which some have prices by band, and the files that say when bands are.

    Only two worlds of five have any.
    """
    if seed % 5 not in (2, 3):
        return agreements, {}
    random = Random(f"bands {seed}")

    def banded(found: re.Match[str]) -> str:
        """The price by band that a unit price becomes, or itself."""
        if found["count"] or random.random() < 1 / 5:
            return found[0]
        timed = found["timed"] or ""
        split = random.choice(SPLITS) if timed else "start_band"
        amount, fee, limits = found["amount"], found["fee"], found["limits"]
        prices = [f'day: {{amount: "{amount}", connect_fee: "{fee}"{timed}{limits}}}']
        for band in BANDS[1:]:
            steps = ""
            if timed:
                first, following = random.choice([(1, 1), (60, 60), (30, 6), (900, 1), (1, 900)])
                steps = f", initial_seconds: {first}, next_seconds: {following}"
            fee = random.choice(["0", "0.01", "3"])
            amount = random.choice(AMOUNTS)
            prices.append(f'{band}: {{amount: "{amount}", connect_fee: "{fee}"{steps}}}')
        rates = f"{{of: PLAN, split: {split}, prices: {{{', '.join(prices)}}}}}"
        return f"{{kind: unit, per: {found['per']}, bands: {rates}}}"

    days = "".join(f"    {day}: [{_starts(random)}]\n" for day in DAYS)
    files = {
        "bands.yaml": f"- bands: PLAN\n  holidays: H\n  days:\n{days}",
        "holidays/H.csv": "date,name\n2026-10-26,A Monday\n2026-11-01,A Sunday\n",
    }
    by_time = DECK.sub(lambda deck: random.choice([deck[0], BY_TIME, BY_TIME]), agreements)
    return UNIT.sub(banded, by_time), files


def _starts(random: Random) -> str:
    """Starts of one day; every band occurs, and the last ones close together."""
    minutes = sorted({0, *random.sample(range(1, 1_430), 3), 1_438, 1_439})
    bands = [*BANDS, *(random.choice(BANDS) for _ in minutes[len(BANDS) :])]
    return ", ".join(
        f'{{from: "{at // 60:02d}:{at % 60:02d}", band: {band}}}'
        for at, band in zip(minutes, bands, strict=True)
    )
