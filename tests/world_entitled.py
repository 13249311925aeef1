"""Worlds in which not everybody may use everything: territories, keys with gaps, and a test.

The usage of a world calls few numbers and names few networks; the territories list some of them.
More keys than in other worlds are somebody's for a while only, and somebody else's later. In every
other world one partner is in test, mostly until reference is mended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from tests.worlds import World

VERSION = re.compile(r"rounding: \{place: ")
TERRITORIES = (
    'called: ["4"]',
    'called: ["49", "1", "86"]',
    'called: ["4917", "49301"]',
    "networks: [24201]",
    "networks: [26201, 99999]",
    'called: ["4", "8"], networks: [24201, 26201]',
)
PARTNER = re.compile(r"partner: (P-A\d)")
ALWAYS = re.compile(r"^(?P<kind>[a-z_]+),(?P<key>[^,]+),(?P<owner>[^,]+),,$", re.MULTILINE)
SPANS = (
    ",2026-10-27\n{kind},{key},{owner},2026-10-29,",
    ",2026-10-28\n{kind},{key},own,2026-10-30,2026-10-31",
    "2026-10-26,2026-10-31",
)


def entitled(world: World, *, lasting: bool = False) -> World:
    """The world with territories in some versions, gaps in some keys, and a partner in test."""
    random = Random(world.seed)
    known = PARTNER.findall(world.reference["partners.yaml"])
    tried = random.choice([*known, *["nobody"] * len(known)])
    still = tried if lasting else random.choice([tried, "nobody", "nobody"])
    return replace(
        world,
        reference=_more(world.reference, tried),
        mended=_more(world.mended, still),
    )


def _more(files: Mapping[str, str], tried: str) -> Mapping[str, str]:
    """The files with them; the same lines are changed in the same way wherever they stand."""
    named = f"partner: {tried},"
    partners = files["partners.yaml"].replace(named, f"test: true, {named}")
    text = files["agreements.yaml"]
    random = Random(text)
    keys = ALWAYS.sub(_with_gap, files["attribution.csv"])
    agreements = VERSION.sub(lambda found: _territory(random) + found[0], text)
    more = {"agreements.yaml": agreements, "attribution.csv": keys, "partners.yaml": partners}
    return {**files, **more}


def _territory(random: Random) -> str:
    """The territory of a version, now and then."""
    if random.random() < 1 / 2:
        return ""
    return f"territory: {{{random.choice(TERRITORIES)}}}, "


def _with_gap(found: re.Match[str]) -> str:
    """A row of a key that holds always, or for a while only."""
    random = Random(found[0])
    if random.random() < 1 / 2:
        return found[0]
    kind, key, owner = found["kind"], found["key"], found["owner"]
    span = random.choice(SPANS).format(kind=kind, key=key, owner=owner)
    return f"{kind},{key},{owner},{span}"
