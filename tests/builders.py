"""Small readable makers of reference data, for any test that needs some.

`reference_dir` writes a directory that loads; a test changes the part that it is about and leaves
the rest. Prices and dates are chosen so that sums can be done by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas import reference
from schemas.reference import Problem, load
from state.tables import Tables, build

PARTNERS = """\
- {partner: ALFA, name: Alfa Telecom, country: DE}
- {partner: BRAVO, name: Bravo Mobile, country: NO}
"""

AGREEMENTS = """\
- agreement: ALFA-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: Europe/Berlin
      currency: EUR
      items:
        - item: voice-in
          role: ingress
          service: voice
          direction: in
          flow: receivable
          price: {kind: deck, deck: STANDARD}
- agreement: BRAVO-1
  partner: BRAVO
  model: mvno
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: UTC
      currency: EUR
      items:
        - item: data
          role: subscriber
          service: data
          flow: receivable
          price: {kind: unit, per: megabyte, amount: "0.002"}
"""

ATTRIBUTION = """\
kind,key,agreement,valid_from,valid_upto
route,TG-001,ALFA-1,,
route,TG-900,own,,
number_range,49170,BRAVO-1,,
imsi_range,26201,BRAVO-1,,
"""

PREFIXES = """\
prefix,zone
49,DE
4917,DE-MOBILE
"""

RATES = """\
zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto
DE,0.012,1,1,0,,
DE-MOBILE,0.06,30,6,0.01,,
"""


def reference_dir(
    directory: Path,
    *,
    partners: str = PARTNERS,
    agreements: str = AGREEMENTS,
    attribution: str = ATTRIBUTION,
    prefixes: str = PREFIXES,
    rates: str = RATES,
    others: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Write a reference directory, whose deck is STANDARD; `others` are more files by path."""
    files: dict[str, str | bytes] = {
        "partners.yaml": partners,
        "agreements.yaml": agreements,
        "attribution.csv": attribution,
        "decks/STANDARD.prefixes.csv": prefixes,
        "decks/STANDARD.rates.csv": rates,
    }
    files |= others or {}
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def agreement_text(
    items: str,
    *,
    name: str = "ALFA-1",
    partner: str = "ALFA",
    terms: str = "valid_from: 2026-01-01, zone: UTC, currency: EUR",
) -> str:
    """One agreement of one version as YAML: `items` in flow style, as in "{item: ...}, {...}"."""
    return (
        f"- {{agreement: {name}, partner: {partner}, model: wholesale,\n"
        f"   versions: [{{version: 1, {terms},\n"
        f"   items: [{items}]}}]}}\n"
    )


def tables(directory: Path) -> Tables:
    """The tables of a reference directory."""
    return build(load(directory))


def problems_of(directory: Path) -> list[Problem]:
    """What is wrong with a reference directory, in order of file and line; nothing if it loads."""
    try:
        load(directory)
    except reference.InvalidReferenceError as error:
        return list(error.problems)
    return []


def complaints_of(directory: Path) -> list[str]:
    """The same as people read it."""
    return [str(problem) for problem in problems_of(directory)]
