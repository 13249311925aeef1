"""Worlds whose agreements share: charges of some items go on to other agreements, which share too.

A world's versions differ in currency, decimals and places of rounding, so receivers of their own
are added: a seller's receiver in each currency, with decimals for any part, and one behind it. Who
divides what is drawn from the text of the item, so the world is the one that it was in all else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from tests.world_intervals import is_of_time
from tests.worlds import World

VERSION = re.compile(
    r"\{version: .*?currency: (?P<currency>\w+), .*?place: (?P<place>\w+), .*?"
    r"items: \[(?P<items>.*?)\](?:\}(?:\]\}|,\n)|, deals: )",
    re.DOTALL,
)
ITEM = re.compile(r"\{item: (?P<name>[\w-]+), role: .*?(?=, \{item: |$)", re.DOTALL)
ROUNDING = re.compile(r"\{place: \w+, (?P<mode>mode: \w+), decimals: -?\d\}")
RULES = ("largest_remainder", "first_parts", "rest_to_last")
CURRENCIES = ("EUR", "USD")
# What each party has, the agreement itself first, second or last.
PARTS = (
    ("percent: 60", "percent: 40"),
    ('part: "1/3"', 'part: "1/3"', 'part: "1/3"'),
    ("percent: 0", "percent: 87.6543211", "percent: 12.3456789"),
    ('part: "1/7"', 'part: "6/7"'),
)


def sharing(world: World) -> World:
    """The world with splits in some items that round records, and with those who receive."""
    receivers = [f"S-{name}" for name in CURRENCIES] + [f"T-{name}" for name in CURRENCIES]
    pools = {name: f"POOL-{name}" for name in receivers}
    return replace(
        world,
        reference=_more(world.reference),
        mended=_more(world.mended),
        pools={**world.pools, **pools},
    )


def _more(files: Mapping[str, str]) -> Mapping[str, str]:
    """The files with splits and receivers."""
    text = VERSION.sub(_version, files["agreements.yaml"])
    text += "".join(_receivers(currency) for currency in CURRENCIES)
    partners = files["partners.yaml"] + "- {partner: P-S, name: S}\n"
    return {**files, "agreements.yaml": text, "partners.yaml": partners}


def _version(found: re.Match[str]) -> str:
    """A version, with splits where it rounds records, as most do here."""
    text = found[0]
    if found["place"] != "record":
        if Random(text).random() < 1 / 4:
            return text
        text = ROUNDING.sub(r"{place: record, \g<mode>, decimals: 6}", text)
    items = ITEM.sub(lambda item: _item(item[0], found["currency"]), found["items"])
    return text.replace(found["items"], items)


def _item(text: str, currency: str) -> str:
    """An item, which mostly is divided if its price is of single events as a whole."""
    random = Random(text)
    of_period = "kind: counted" in text or ("kind: tiers" in text and "each: event" not in text)
    of_period |= "allowance: " in text
    if of_period or is_of_time(text) or random.random() < 1 / 6:
        return text
    return f"{text[:-1]}, {_split(random, [f'S-{currency}', f'T-{currency}'])}}}"


def _split(random: Random, receivers: list[str]) -> str:
    """A split among an agreement and some of its receivers, in any order."""
    parts = random.choice([parts for parts in PARTS if len(parts) <= len(receivers) + 1])
    parties = [f"{{{parts[0]}}}"]
    parties += [
        f"{{agreement: {name}, item: part, {part}}}"
        for name, part in zip(receivers, parts[1:], strict=False)
    ]
    random.shuffle(parties)
    return f"split: {{rule: {random.choice(RULES)}, parties: [{', '.join(parties)}]}}"


def _receivers(currency: str) -> str:
    """Two agreements that receive, the first of which gives a part on to the second.

    The second is not there all the time, and has no decimals but those that the first has.
    """
    random = Random(f"receivers {currency}")
    part = "{item: part, role: channel, service: transaction, flow: payable, "
    terms = f"zone: Europe/Berlin, currency: {currency}, period: month"
    onward = _split(random, [f"T-{currency}"])
    listed = "{agreement: %s, partner: P-S, model: reseller, pool: POOL-%s, versions: [%s]}\n"
    fine, day = "rounding: {decimals: 6, mode: up}", "rounding: {place: line, decimals: 6}"
    first = f"{{version: 1, valid_from: 2026-01-01, {terms}, {fine}, items: [{part}"
    first += f"{onward}, price: {{kind: received}}}}]}}"
    second = f"{{version: 3, valid_from: 2026-01-01, valid_upto: 2026-11-02, {terms}, {day}, items:"
    second += f" [{part}price: {{kind: received}}}}]}}"
    names = f"S-{currency}", f"T-{currency}"
    return "".join(f"- {listed % (n, n, v)}" for n, v in zip(names, (first, second), strict=True))
