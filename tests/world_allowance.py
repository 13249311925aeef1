"""Worlds in which the first events of a period are free: allowances beside unit and share prices.

What is drawn follows from the text of each item, so a world is otherwise what it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from tests.world_clawback import ITEM
from tests.worlds import World

ALLOWANCES = ("events: 1", "events: 3", "quantity: 1", "quantity: 90", "events: 4, quantity: 3")


def allowing(world: World) -> World:
    """The world with allowances in most items that may have one."""
    return replace(world, reference=_more(world.reference), mended=_more(world.mended))


def _more(files: Mapping[str, str]) -> dict[str, str]:
    """The files with other agreements."""
    # What is free has no hour, so that no deal by the hour can be over it.
    text = files["agreements.yaml"].replace(", each: hour", "")
    return {**files, "agreements.yaml": ITEM.sub(_item, text)}


def _item(found: re.Match[str]) -> str:
    """One item with an allowance, or as it was."""
    text = found[0]
    random = Random(text)
    fits = "kind: unit" in text or "kind: share" in text
    if not fits or "bands: " in text or "split: {rule" in text or random.random() < 1 / 4:
        return text
    allowance = f"allowance: {{{random.choice(ALLOWANCES)}}}, "
    return text.replace("price: {", f"{allowance}price: {{", 1)
