"""Worlds in which not everybody may use everything: territories, and keys with gaps.

The usage of a world calls few numbers and names few networks; the territories list some of them.
More keys than in other worlds are somebody's for a while only, and somebody else's later.
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
ALWAYS = re.compile(r"^(?P<kind>[a-z_]+),(?P<key>[^,]+),(?P<owner>[^,]+),,$", re.MULTILINE)
SPANS = (
    ",2026-10-27\n{kind},{key},{owner},2026-10-29,",
    ",2026-10-28\n{kind},{key},own,2026-10-30,2026-10-31",
    "2026-10-26,2026-10-31",
)


def entitled(world: World) -> World:
    """The world with territories in some versions and gaps in some keys."""
    return replace(world, reference=_more(world.reference), mended=_more(world.mended))


def _more(files: Mapping[str, str]) -> Mapping[str, str]:
    """The files with them; the same lines are changed in the same way wherever they stand."""
    text = files["agreements.yaml"]
    random = Random(text)
    keys = ALWAYS.sub(_with_gap, files["attribution.csv"])
    agreements = VERSION.sub(lambda found: _territory(random) + found[0], text)
    return {**files, "agreements.yaml": agreements, "attribution.csv": keys}


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
