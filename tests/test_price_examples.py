"""Every example of a price in the documentation, priced by the product as the page says.

A block of docs/prices.md or docs/prices-spans.md is put into an agreement as it stands there, the
usage that the page names is settled, and the figure that the page gives has to come out. A block
that no example here uses fails, and so does a figure that the page no longer has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from ops.whatif import Whatif
from schemas.reference import InvalidReferenceError, load
from streams.facts import Which
from tests.case_plans import Event, net
from tests.case_usage import message
from tests.price_examples import BLOCK, EXAMPLES, PAGE, REFUSED, Example

HEADING = re.compile(r"^#+ ", re.MULTILINE)
PRICED = re.compile(r"\b(price|deals|allowance|tax|settle_in):")
KEYS = ("route", "access_point", "product", "channel")
DEALS = ("bounds", "fee")
Terms = dict[str, Any]


NOT_TERMS = ("agreements.yaml:", "- book:")


def blocks() -> list[tuple[str, str]]:
    """Each block of the page that says a price, with the section that it stands in."""
    return [
        (dedent(block[0]), section)
        for section in HEADING.split(PAGE)
        for block in BLOCK.finditer(section)
        if PRICED.search(block[0]) and not block[0].lstrip().startswith(NOT_TERMS)
    ]


def block_of(example: Example) -> tuple[str, str]:
    """The block that an example is about."""
    found = [pair for pair in blocks() if example.block in pair[0]]
    assert found, f"no block has {example.block!r}"
    return found[0]


def version_of(example: Example) -> Terms:
    """The fields of a version that a block says, and what the example puts around it."""
    text = block_of(example)[0]
    lines = [line for line in text.splitlines() if example.only in line] if example.only else []
    said = yaml.load("\n".join(lines) or text, yaml.BaseLoader)  # noqa: S506 - texts only
    if isinstance(said, list):
        said = {"items": said}
    elif said.get("price", {}).get("kind") in DEALS:
        said = {"deals": [{"deal": "deal", "flow": "receivable", "price": said["price"]}]}
    elif "price" in said and "item" not in said:
        item = {"item": "usage", "flow": "receivable", **example.item}
        said = {"items": [{**item, **said}]}
    version = {"version": "1", "valid_from": "2020-01-01", "zone": "UTC", "currency": "EUR"}
    more = {**said, **example.version}
    more["items"] = [*said.get("items", ()), *example.version.get("items", ())]
    return {**version, **more}


def write(directory: Path, examples: Mapping[str, Example]) -> Path:
    """One reference of all examples, each an agreement of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[str]] = {"agreements.yaml": [], "attribution.csv": []}
    files["partners.yaml"] = ["- {partner: PARTNER, name: A partner, country: DE}"]
    files["attribution.csv"].append("kind,key,agreement,valid_from,valid_upto")
    for name, example in examples.items():
        terms = {"agreement": name, "partner": "PARTNER", "model": "wholesale"}
        document = {**terms, **example.agreement, "versions": [version_of(example)]}
        files["agreements.yaml"].append(f"- {json.dumps(document)}")
        for other in example.others:
            others = {**terms, **example.agreement, **other}
            files["agreements.yaml"].append(f"- {json.dumps(others)}")
        files["attribution.csv"] += [f"{kind},{name},{name},," for kind in KEYS]
        for path, rows in example.files.items():
            known = files.setdefault(path, [])
            known += [row for row in rows if row not in known]
    for path, rows in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return directory


@dataclass
class Settled:
    """What all examples came to, by their names."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    unpriced: list[Terms] = field(default_factory=list)


def named(events: Sequence[Event], name: str) -> Iterator[Event]:
    """Events under the key of an example's agreement."""
    for event in events:
        yield Event(event.service, {k: name if v == "?" else v for k, v in event.fields.items()})


def total_of(document: Mapping[str, Any], member: str) -> Decimal:
    """A figure of the only total of a document; a dot leads into what is nested."""
    [found] = document["totals"]
    for part in member.split("."):
        found = found[part]
    return Decimal(found)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Settled:
    """All examples in one settlement."""
    examples = {f"EXAMPLE-{number}": e for number, e in enumerate(EXAMPLES)}
    directory = write(tmp_path_factory.mktemp("examples") / "reference", examples)
    result = Settled()
    with Whatif(directory) as whatif:
        events = [e for name, example in examples.items() for e in named(example.usage, name)]
        whatif.send([message(event, sequence) for sequence, event in enumerate(events)])
        for name, example in examples.items():
            if example.declared is not None:
                item, quantity = example.declared
                whatif.declare(Which(name, example.period, item, "quantity"), quantity)
            document = whatif.draft(name, example.period)
            lines = [row for row in document["lines"] if example.line in ("", row["item"])]
            assert lines, f"{example.block}: {whatif.unpriced()}"
            result.amounts[name] = Decimal(net(lines, exact=True).numerator) / Decimal(
                net(lines, exact=True).denominator
            )
            if example.total:
                result.amounts[name] = total_of(document, example.total)
        result.unpriced = whatif.unpriced()
    return result


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[e.block[:40] for e in EXAMPLES])
def test_an_example_comes_to_its_figure(settled: Settled, number: int) -> None:
    """The product's amount is the page's, to the decimals that the page has."""
    example = EXAMPLES[number]
    assert example.figure in block_of(example)[1], "the page has another figure"
    amount = settled.amounts[f"EXAMPLE-{number}"]
    written = Decimal(example.figure.replace(",", ""))
    places = -int(written.as_tuple().exponent)
    cut = Decimal(1).scaleb(-places)
    assert abs(amount - written) < cut if example.is_cut else amount == written


def test_every_usage_of_an_example_has_a_price(settled: Settled) -> None:
    """Nothing waits in suspense."""
    assert settled.unpriced == []


def test_every_block_with_a_price_is_an_example() -> None:
    """No price stands on the page that nothing here prices."""
    used = {block_of(example)[0] for example in (*EXAMPLES, *REFUSED)}
    assert [block for block, _ in blocks() if block not in used] == []


@pytest.mark.parametrize("example", REFUSED, ids=[e.block[:40] for e in REFUSED])
def test_what_the_page_says_is_refused_is(tmp_path: Path, example: Example) -> None:
    """The reference is not taken, for the reason that is named."""
    with pytest.raises(InvalidReferenceError) as refused:
        load(write(tmp_path / "reference", {"EXAMPLE": example}))
    assert example.figure in str(refused.value)
