"""An agreement P with terms of payment, its hop, and blocks of money booked in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from state.tables import Tables
from streams.contribution import Series
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block

HOUR = 498_192
OCTOBER, NOVEMBER = "2026-10", "2026-11"
ITEMS = """
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 10}}
        - {item: bought, role: egress, service: sms, flow: payable,
           price: {kind: unit, per: event, amount: 10}}"""
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,P,,\n"
FX = """\
source,base,quote,date,rate
ECB,EUR,JPY,2026-10-30,150
ECB,EUR,JPY,2026-11-30,160.5
"""
YEN = "settle_in: {currency: JPY, source: ECB}"


def version_text(
    number: int, span: str, *terms: str, place: str = "line", currency: str = "EUR"
) -> str:
    """A version with further terms, a line of YAML each."""
    more = "".join(f"\n      {term}" for term in terms)
    return f"""
    - version: {number}
      valid_from: {span}
      zone: Europe/Berlin
      currency: {currency}
      rounding: {{place: {place}, decimals: currency}}{more}
      items:{ITEMS}"""


def paying_dir(directory: Path, *terms: str, fx: str = FX, place: str = "line") -> Path:
    """The reference of P with one version."""
    return versions_dir(directory, version_text(1, "2026-01-01", *terms, place=place), fx=fx)


def versions_dir(directory: Path, *versions: str, fx: str = FX) -> Path:
    """The reference of P with these versions."""
    listed = "".join(versions)
    text = f"- agreement: P\n  partner: ALFA\n  model: wholesale\n  versions:{listed}\n"
    others = {"fx.csv": fx} if fx else {}
    return reference_dir(directory, agreements=text, attribution=KEYS, others=others)


def paying_tables(directory: Path, *terms: str, fx: str = FX, place: str = "line") -> Tables:
    """The same, compiled."""
    return tables(paying_dir(directory, *terms, fx=fx, place=place))


def money(
    at: int, micros: int, *, item: str = "texts", of: str = NOVEMBER, version: int = 1
) -> bytes:
    """A block of one event that is charged so much."""
    return block(at, (Series("P", version, item, "", "EUR", of, ""), HOUR, (1, 1, micros, 0)))


def declaration(item: str, version: int = 1, period: str = NOVEMBER, **figure: str) -> bytes:
    """A command that declares a figure of P."""
    said = {"agreement": "P", "period": period, "item": item, "version": version, **figure}
    return json.dumps({"declare": said}).encode()


def closed(bench: AccrueBench, period: str = NOVEMBER) -> dict[str, Any]:
    """Close a period of P; its statement."""
    bench.close("P", period)
    return bench.statements()[-1]
