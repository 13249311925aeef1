"""The application as a whole: ids, headers, counts, and a contract that is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from api.accruals import AccrualsBody
from api.app import create_app
from api.statements import StatementsBody
from ops.metrics import Metrics
from tests.api.makers import World


def test_every_request_is_counted_by_route(tmp_path: Path) -> None:
    """Paths are counted by their template, so that numbers of statements are no labels."""
    world = World(tmp_path).fill().close_period("PLAIN")
    for path in ("/v1/statements/PLAIN-000001", "/v1/statements/X", "/else", "/"):
        world.client.get(path)
    assert world.meter.requests == [
        ("/v1/statements/{number}", "GET", 200),
        ("/v1/statements/{number}", "GET", 404),
        ("unmatched", "GET", 404),
        ("/", "GET", 200),
    ]


def test_metrics_of_the_process_are_shown(tmp_path: Path) -> None:
    """With the real metrics, requests and streams are on the page that Prometheus reads."""
    app = create_app(World(tmp_path).view, Metrics(lambda: 0), lambda: 0)
    with TestClient(app) as client:
        client.get("/v1/health/live")
        text = client.get("/metrics").text
    expected = 'weir_http_requests_total{code="200",method="GET",route="/v1/health/live"} 1.0'
    assert expected in text.splitlines()


def test_a_request_keeps_the_id_it_came_with(tmp_path: Path) -> None:
    """An id that is safe to log is kept; any other is replaced by one of ours."""
    client = World(tmp_path).client
    kept = client.get("/v1/health/live", headers={"X-Request-Id": "trace-7"})
    assert kept.headers["x-request-id"] == "trace-7"
    made = client.get("/v1/health/live", headers={"X-Request-Id": "no spaces\tplease"})
    assert len(made.headers["x-request-id"]) == 16


def test_every_answer_has_its_guards(tmp_path: Path) -> None:
    """Browsers must not guess types, nor tell other sites where one came from."""
    headers = World(tmp_path).client.get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_contract_is_served_without_a_network(tmp_path: Path) -> None:
    """OpenAPI 3.1 is there; pages that would load scripts from elsewhere are not."""
    client = World(tmp_path).client
    contract = client.get("/v1/openapi.json").json()
    assert contract["openapi"].startswith("3.1")
    assert set(contract["paths"]) == {
        "/v1/accruals",
        "/v1/accruals/stream",
        "/v1/statements",
        "/v1/statements/{number}",
        "/v1/health",
        "/v1/health/live",
        "/v1/health/ready",
    }
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


def test_no_number_in_the_contract_is_a_float(tmp_path: Path) -> None:
    """Money and quantities are strings: no schema has a member of type number."""
    contract = World(tmp_path).client.get("/v1/openapi.json").text
    assert '"type":"number"' not in contract


def test_answers_are_what_the_contract_says(tmp_path: Path) -> None:
    """Bodies have the members of their schema, and no others."""
    client = World(tmp_path).fill().close_period("PLAIN").client

    def members(path: str) -> set[str]:
        body: dict[str, Any] = json.loads(client.get(path).content)
        return set(body)

    assert members("/v1/accruals") == set(AccrualsBody.model_fields)
    assert members("/v1/statements") == set(StatementsBody.model_fields)
