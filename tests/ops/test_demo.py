"""The demo settles all of its traffic at once, or serves it while it streams."""

from __future__ import annotations

import json
import queue
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ops import demo
from ops.demo import Demo
from ops.serve import Server
from schemas.topics import ACCRUALS

PATIENCE_SECONDS = 60
POLL_SECONDS = 0.02


def test_once_settles_every_event(tmp_path: Path) -> None:
    """Each has one outcome, and progress is told block by block."""
    told: list[int] = []
    with Demo(seed=7, events=1_000, partners=4, data=tmp_path).once(told.append) as weir:
        assert sum(weir.engine.rate_hop.outcomes().values()) == 1_000
        assert weir.latest(ACCRUALS.name)
    assert sum(told) == 1_000


def accruals(url: str) -> list[dict[str, Any]]:
    """What has accrued, over HTTP; nothing while there are no figures yet."""
    try:
        with urllib.request.urlopen(url + "v1/accruals", timeout=10) as answer:  # noqa: S310
            rows: list[dict[str, Any]] = json.load(answer)["items"]
            return rows
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 503:
                raise
        return []


def test_live_serves_accruals_and_ends_when_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first accrual appears over HTTP; stopping the server ends every thread."""
    servers: list[Server] = []

    def made(*given: Any) -> Server:  # noqa: ANN401
        servers.append(Server(*given))
        return servers[-1]

    monkeypatch.setattr(demo, "Server", made)
    before = set(threading.enumerate())
    urls: queue.Queue[str] = queue.Queue()
    job = Demo(seed=7, events=100_000, partners=4, data=tmp_path)
    runner = threading.Thread(target=job.live, args=(1_000, "127.0.0.1", 0, urls.put))
    runner.start()
    found: list[dict[str, Any]] = []
    try:
        url = urls.get(timeout=PATIENCE_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not found and time.monotonic() < deadline:
            found = accruals(url)
            time.sleep(POLL_SECONDS)
    finally:
        for server in servers:
            server.stop()
        runner.join(PATIENCE_SECONDS)
    assert found
    assert not runner.is_alive()
    assert {t.name for t in set(threading.enumerate()) - before} == set()
