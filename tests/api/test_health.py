"""Health and metrics: what supervisors and Prometheus ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.makers import World


def test_a_process_that_answers_is_live(tmp_path: Path) -> None:
    """It is live even while it has nothing to show."""
    answer = World(tmp_path).client.get("/v1/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.parametrize("path", ["/v1/health", "/v1/health/ready"])
def test_it_is_ready_when_there_are_figures(tmp_path: Path, path: str) -> None:
    """Loading and empty are not ready; with figures it says how far they have come."""
    world = World(tmp_path)
    loading = world.client.get(path)
    assert (loading.status_code, loading.json()["status"]) == (503, "loading")
    assert (loading.json()["as_of"], loading.json()["updated_at"]) == (None, None)
    world.view.mark_caught_up()
    assert world.client.get(path).json()["status"] == "empty"
    ready = world.fill().client.get(path)
    assert (ready.status_code, ready.headers["cache-control"]) == (200, "no-store")
    assert ready.json() == {
        "status": "ready",
        "reference": world.tables.reference_id,
        "as_of": "2026-11-22T20:14:05.120Z",
        "updated_at": "2026-11-22T20:14:05.620Z",
        "position": ready.json()["position"],
    }


def test_metrics_are_what_the_meter_shows(tmp_path: Path) -> None:
    """Prometheus reads the text as the meter made it."""
    answer = World(tmp_path).client.get("/metrics")
    assert (answer.text, answer.headers["cache-control"]) == ("weir_up 1\n", "no-store")
