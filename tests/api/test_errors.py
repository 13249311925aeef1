"""Problems: one form for whatever goes wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from api.errors import described, not_found, not_ready
from tests.api.makers import World


def test_an_unknown_path_is_a_problem(tmp_path: Path) -> None:
    """The framework's own refusals have the same form as ours."""
    answer = World(tmp_path).client.get("/v2", headers={"X-Request-Id": "ask-1"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "type": "urn:weir:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no /v2.",
        "instance": "urn:weir:request:ask-1",
    }


def test_another_method_is_a_problem(tmp_path: Path) -> None:
    """Nothing can be written here; the answer says what can be done."""
    answer = World(tmp_path).client.delete("/v1/accruals")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["type"] == "urn:weir:problem:method-not-allowed"


def test_each_wrong_part_is_named(tmp_path: Path) -> None:
    """Everything that is not understood is told at once, with where it stands."""
    answer = World(tmp_path).client.get("/v1/accruals?limit=0&partnr=ALFA")
    assert answer.status_code == 400
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["#/query/limit", "#/query/partnr"]


def test_a_failure_shows_nothing_of_its_inside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went wrong inside is in the log; the client gets the id to ask by."""
    world = World(tmp_path).fill()

    monkeypatch.setattr(world.view, "accruals", None)
    with caplog.at_level(logging.ERROR, "weir.api"):
        answer = world.client.get("/v1/accruals")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:weir:problem:failure"
    assert "TypeError" not in answer.text
    assert "TypeError" in caplog.text


def test_not_ready_says_why_and_when_to_come_back() -> None:
    """Loading passes by itself, empty when usage comes; both may be asked again soon."""
    loading, empty = not_ready("loading"), not_ready("empty")
    assert loading.detail != empty.detail
    assert loading.headers == {"Retry-After": "1"}


def test_openapi_has_a_problem_for_each_status() -> None:
    """Besides what is named, every route may be asked wrongly."""
    assert set(described(404)) == {400, 404}
    assert described()[400]["description"] == "Bad Request"
    assert str(not_found("agreement A")) == "There is no agreement A."
