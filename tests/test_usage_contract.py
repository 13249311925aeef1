"""The contract for mediation says what the code does: every field, id, reason and bound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.codes import Outcome, Reason, Service
from schemas.registry import ENVELOPE_OFFSET, current_id, current_schema, read_schema
from streams import files, files_avro, files_bytes, files_text, usage
from streams.rate_hop import FUTURE_SKEW_US

PAGE = (Path(__file__).parents[1] / "docs" / "usage-contract.md").read_text(encoding="utf-8")
COMMON_FIELDS = 8

Rows = dict[str, list[str]]


def section(title: str) -> str:
    """The part of the page under a heading, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the contract has no heading {title!r}"
    return found.group(1)


def table(text: str) -> Rows:
    """The cells of each row of a text's tables, by the word in the row's first cell."""
    rows: Rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def described(field: dict[str, Any]) -> list[str]:
    """Type, default and meaning of a field, as the contract writes them."""
    kind, nullable = field["type"], isinstance(field["type"], list)
    kind = kind[1] if nullable else kind
    if isinstance(kind, dict):
        kind = "time" if "logicalType" in kind else "`in` or `out`"
    word = {"string": "text"}.get(kind, kind) + (", or null" if nullable else "")
    default = field.get("default", "required")
    plain = {None: "null", True: "true", False: "false", "required": "required"}
    is_plain = default is None or isinstance(default, bool) or default == "required"
    return [word, plain[default] if is_plain else f"`{default}`", field["doc"]]


def test_the_common_fields_are_described() -> None:
    """Each with its type, its default and its meaning, in the schema's own words."""
    fields = current_schema(Service.VOICE)["fields"][:COMMON_FIELDS]
    expected = {f["name"]: described(f) for f in fields}
    assert table(section("Every family")) == expected


@pytest.mark.parametrize("service", list(Service))
def test_the_fields_of_a_family_are_described(service: Service) -> None:
    """All of them, no more, under a heading that names both ids."""
    schema_id = current_id(service)
    title = f"`{service.label}` (id {schema_id}, envelope {schema_id + ENVELOPE_OFFSET})"
    fields = current_schema(service)["fields"][COMMON_FIELDS:]
    assert table(section(title)) == {f["name"]: described(f) for f in fields}


def test_the_record_of_unreadable_lines_is_described() -> None:
    """It is Weir's own, but other readers of the topic meet it."""
    names = [f["name"] for f in read_schema("usage_unreadable.avsc")["fields"]]
    assert list(table(section("`unreadable` (id 9)"))) == names


def test_every_outcome_and_reason_is_described() -> None:
    """Each reason with the outcome that it means, why it is given and what to do."""
    rows = table(section("Outcomes"))
    labels = [o.label for o in Outcome] + [r.label for r in Reason if r is not Reason.NONE]
    assert list(rows) == labels
    for reason in Reason:
        if reason is not Reason.NONE:
            outcome, why, what = rows[reason.label]
            assert outcome == reason.outcome.label
            assert why
            assert what


def test_bounds_are_the_ones_that_are_checked() -> None:
    """A number in the contract is the number in the code."""
    # 2^43 - 2 = 8,796,093,022,206; 2000-01-01 and 2100-01-01 are 10,957 and 47,482 days.
    assert usage.SEQUENCE_MAX == 8_796_093_022_206
    assert "8796093022206 (2^43 - 2)" in PAGE
    assert usage.QUANTITY_MAX == 2**44
    assert usage.STARTED_MIN_US == 10_957 * 86_400_000_000
    assert usage.STARTED_MAX_US == 47_482 * 86_400_000_000
    assert f"-{usage.OFFSET_MINUTES_MAX} to {usage.OFFSET_MINUTES_MAX}" in PAGE
    assert f"at most {FUTURE_SKEW_US // 60_000_000} minutes ahead" in PAGE


def test_what_is_said_of_files_is_so() -> None:
    """Codecs, suffixes and limits of the reader are those in the contract."""
    text = section("Files")
    assert "codecs null, deflate, snappy, zstandard" in text
    assert all(f"`{suffix}`" in text for suffix in files.JSON_SUFFIXES)
    assert f"more than {files_text.LINE_BYTES_MAX} bytes" in text
    assert f"more than {files_bytes.EXPANSION_MAX} times" in text
    assert files_avro.AVRO_MAGIC == b"Obj\x01"
