"""Partners: the companies that the operator settles with, and what is known of them.

A partner in test is one whose systems and contract are being tried: what concerns it is recognised
and counted, and never settled. The other attributes say where a partner belongs and who looks after
it; no price depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from schemas.documents import Finding
from schemas.fields import TRUTH, Name, Strict, line_of_text, read_text, whole, word_of

FILE = "partners.yaml"
PAYMENT_DAYS_MAX = 365


def _country(value: object) -> str:
    """Two capital letters."""
    text = read_text(value)
    if re.fullmatch(r"[A-Z]{2}", text) is None:
        raise ValueError(f"{text!r} is not a country; write two capital letters, for example DE")
    return text


def _words(value: object) -> str:
    """Any words on one line, which are no name."""
    text = read_text(value).strip()
    if not text or not text.isprintable():
        raise ValueError("is empty or goes over several lines; write words on one line")
    return text


Words = Annotated[str, BeforeValidator(_words)]


class Partner(Strict):
    """A company that the operator settles with.

    `parent` is another partner that it belongs to. `payment_days` is how many days it has to pay.
    """

    partner: Name
    name: Annotated[str, BeforeValidator(line_of_text)]
    country: Annotated[str, BeforeValidator(_country)] | None = None
    test: Annotated[bool, word_of(TRUTH)] = False
    parent: Name | None = None
    segment: Words | None = None
    tier: Words | None = None
    account_manager: Words | None = None
    payment_days: Annotated[int, whole(0, PAYMENT_DAYS_MAX)] | None = None


def check_parents(
    partners: Sequence[Partner], names: Collection[str]
) -> Iterator[tuple[Partner, Finding]]:
    """Every parent is a partner, and none is its own; each finding with the partner that says it.

    `names` are those of all partners, also of one with mistakes, which are told where it stands.
    """
    known = {partner.partner: partner for partner in partners}
    told: set[str] = set()
    for partner in partners:
        if partner.parent is not None and partner.parent not in names:
            yield partner, (("parent",), f"{partner.parent!r} is not in {FILE}; add it there")
        way = [partner.partner]
        while (above := known.get(way[-1])) is not None and above.parent is not None:
            if above.parent in way:
                circle = [*way[way.index(above.parent) :], above.parent]
                if told.isdisjoint(circle):
                    message = f"{' > '.join(circle)} is a circle; end it somewhere"
                    yield known[circle[0]], (("parent",), message)
                told.update(circle)
                break
            way.append(above.parent)
