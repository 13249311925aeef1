"""GET /v1/statements: closed periods, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from streams.statement import canonical
from tests.api.makers import World


def test_statements_are_listed_without_lines(tmp_path: Path) -> None:
    """A list has everything but the lines, and where each document is."""
    client = World(tmp_path).fill().close_period("WHOLE").client
    answer = client.get("/v1/statements?partner=BRAVO")
    (item,) = answer.json()["items"]
    digest = item.pop("digest")
    assert item == {
        "number": "WHOLE-000001",
        "agreement": "WHOLE",
        "partner": "BRAVO",
        "model": "referral",
        "period": "2026-11",
        "from": "1970-01-01T00:00:00.000Z",
        "upto": "1970-01-01T00:00:00.000Z",
        "zone": "UTC",
        "as_of": "1970-01-01T00:00:00.000Z",
        "totals": [
            {"currency": "EUR", "receivable": "0.000000", "payable": "0.030000", "net": "-0.030000"}
        ],
        "href": "/v1/statements/WHOLE-000001",
    }
    document = client.get(item["href"]).json()
    assert document.pop("digest") == digest
    assert hashlib.sha256(canonical(document)).hexdigest() == digest


def test_a_statement_is_served_as_it_was_issued(tmp_path: Path) -> None:
    """The bytes are those on the log, with their digest in a header; they can be kept."""
    world = World(tmp_path).fill().close_period("PLAIN")
    answer = world.client.get("/v1/statements/PLAIN-000001")
    _, found = world.view.statement("PLAIN-000001")
    assert found is not None
    assert answer.content == found.document
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)["lines"]
    known = {"If-None-Match": answer.headers["etag"]}
    assert world.client.get("/v1/statements/PLAIN-000001", headers=known).status_code == 304


def test_no_such_statement(tmp_path: Path) -> None:
    """An unknown number is not found; while the log is read nobody can tell yet."""
    world = World(tmp_path)
    assert world.client.get("/v1/statements/PLAIN-000009").status_code == 503
    assert world.fill().client.get("/v1/statements/PLAIN-000009").status_code == 404


def test_a_list_of_statements_is_cached_by_position(tmp_path: Path) -> None:
    """Until something is committed the list is the same."""
    world = World(tmp_path).fill()
    first = world.client.get("/v1/statements")
    assert first.json()["items"] == []
    known = {"If-None-Match": first.headers["etag"]}
    assert world.client.get("/v1/statements", headers=known).status_code == 304
    world.close_period("PLAIN")
    assert len(world.client.get("/v1/statements", headers=known).json()["items"]) == 1


def test_statements_of_an_unknown_partner(tmp_path: Path) -> None:
    """A partner that reference lacks is not found, rather than without statements."""
    assert World(tmp_path).fill().client.get("/v1/statements?partner=X").status_code == 404
