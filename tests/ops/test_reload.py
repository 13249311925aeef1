"""Reload: changed files are taken over whole and between batches, or nothing happens at all."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from ops import reload
from ops.embedded import Embedded
from ops.figures import period_rows
from ops.metrics import Metrics
from ops.reading import current_reference
from ops.reload import (
    SOON_SECONDS,
    STILL_SECONDS,
    Reload,
    Take,
    Taker,
    at_once,
    begun,
    between_batches,
    fingerprint,
    forbidden,
)
from schemas.codes import Service
from schemas.moments import parse_moment
from schemas.reference import Reference, load
from schemas.topics import ACCRUALS
from state.tables import Tables
from tests.builders import AGREEMENTS, PARTNERS, RATES, reference_dir
from tests.loop_bench import Bench, segment
from tests.ops import books
from tests.usage_makers import message

JULY_S = parse_moment("2026-07-01").seconds("UTC")
NEVER = threading.Event()
PATIENCE_SECONDS = 60
DEARER = RATES.replace("DE,0.012", "DE,0.024")
SECOND_VERSION = """\
    - version: 2
      valid_from: 2027-01-01
      zone: Europe/Berlin
      currency: EUR
      items: [{item: sms, role: ingress, service: sms, flow: payable,
               price: {kind: unit, per: event, amount: "1"}}]
- agreement: BRAVO-1
"""


def with_second_version(agreements: str) -> str:
    """Agreements in which ALFA-1 has another version from 2027 on."""
    ended = agreements.replace("2026-01-01\n", "2026-01-01\n      valid_upto: 2027-01-01\n", 1)
    return ended.replace("- agreement: BRAVO-1\n", SECOND_VERSION, 1)


class FakeTables(NamedTuple):
    """Tables by name."""

    reference_id: str


class Followed:
    """A reference directory that is followed, at the pace of the test."""

    def __init__(self, directory: Path) -> None:
        """Nothing has changed yet."""
        self.directory = reference_dir(directory)
        self.now_s = float(JULY_S)
        self.metrics = Metrics(lambda: 0)
        self.taken: list[str] = []
        self.kept: list[str] = []
        self.reload = Reload(
            self.directory,
            load(self.directory),
            fingerprint(self.directory),
            [Taker(self._take("view")), Taker(self._take("rate"))],
            self.metrics,
            self._keep,
            lambda: self.now_s,
        )

    def _take(self, name: str) -> Take:
        return at_once(lambda tables: self.taken.append(f"{name} {tables.reference_id}"))

    def _keep(self, reference: Reference, files: Path) -> None:
        assert load(files).reference_id == reference.reference_id
        self.kept.append(reference.reference_id)

    def look(self) -> None:
        """Look at what there is, and again when it has kept still."""
        self.reload.look(NEVER)
        self.now_s += STILL_SECONDS
        self.reload.look(NEVER)

    @property
    def refused(self) -> float | None:
        """How often something was refused."""
        return self.metrics.registry.get_sample_value("weir_reference_refused_total")


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    """A directory that is followed."""
    return Followed(tmp_path / "reference")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is logged as refused."""
    found: list[dict[str, Any]] = []

    class Log:
        def info(self, event: str, **_: object) -> None:
            """What came into force."""

        def error(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - facts of any kind
            """What is asserted."""
            found.append(facts)

    monkeypatch.setattr(reload, "LOG", Log())
    return found


def test_nothing_happens_while_nothing_changes(followed: Followed) -> None:
    """Looking costs no loading."""
    followed.look()
    followed.look()
    assert (followed.taken, followed.kept, followed.refused) == ([], [], 0)


def test_changed_files_are_taken_over_in_turn(followed: Followed) -> None:
    """Kept before they are in force; shown before they are rated by; and once only."""
    reference_dir(followed.directory, rates=DEARER)
    followed.look()
    followed.look()
    name = load(followed.directory).reference_id
    assert followed.kept == [name]
    assert followed.taken == [f"view {name}", f"rate {name}"]


def test_files_that_still_change_are_waited_for(followed: Followed) -> None:
    """A copy that is under way is half of one."""
    for step in range(3):
        reference_dir(followed.directory, rates=DEARER.replace("0.024", f"0.{step + 1}"))
        followed.now_s += STILL_SECONDS
        followed.reload.look(NEVER)
    assert followed.taken == []
    followed.now_s += STILL_SECONDS
    followed.reload.look(NEVER)
    assert len(followed.taken) == 2


def test_what_says_the_same_is_not_taken(followed: Followed) -> None:
    """Files written again, and files that nobody reads."""
    reference_dir(followed.directory, others={"decks/.STANDARD.rates.csv.new": "half"})
    (followed.directory / "notes.txt").write_text("ours")
    followed.look()
    assert (followed.taken, followed.refused) == ([], 0)


def test_a_broken_reference_changes_nothing(
    followed: Followed, logged: list[dict[str, Any]]
) -> None:
    """All that is wrong is logged, once; mended, it is taken."""
    reference_dir(followed.directory, rates=RATES + "DE,x,1,1,0,,\nDE,1,0,1,0,,\n")
    followed.look()
    followed.look()
    assert (followed.taken, followed.kept, followed.refused) == ([], [], 1)
    (facts,) = logged
    assert [problem.partition(" ")[0] for problem in facts["problems"]] == [
        "decks/STANDARD.rates.csv:4:",
        "decks/STANDARD.rates.csv:5:",
    ]
    reference_dir(followed.directory, rates=DEARER)
    followed.look()
    assert len(followed.taken) == 2


def test_a_directory_that_is_gone_changes_nothing(
    followed: Followed, logged: list[dict[str, Any]]
) -> None:
    """Until it is back."""
    shutil.rmtree(followed.directory)
    followed.look()
    assert (followed.taken, followed.refused) == ([], 1)
    assert "No such file" in logged[0]["problems"][0]


def test_terms_that_have_begun_stay(followed: Followed, logged: list[dict[str, Any]]) -> None:
    """Usage may have been settled by them: version and field are named with the way on."""
    reference_dir(followed.directory, agreements=AGREEMENTS.replace("0.002", "0.003"))
    followed.look()
    assert (followed.taken, followed.refused) == ([], 1)
    (problem,) = logged[0]["problems"]
    assert problem.startswith("agreements.yaml: BRAVO-1 version 1: items[0].price.amount differs;")
    assert "write a new version with its own valid_from" in problem


def test_a_partner_that_is_live_is_not_in_test_again(
    followed: Followed, logged: list[dict[str, Any]]
) -> None:
    """The way on is not a new version: the sentence says so."""
    partners = PARTNERS.replace("country: DE", "test: true")
    (followed.directory / "partners.yaml").write_text(partners)
    followed.look()
    assert followed.taken == []
    (problem,) = logged[-1]["problems"]
    assert problem.startswith("partners.yaml: ALFA test: is true now; usage was settled with it")
    assert problem.endswith("put it back, or end its keys in attribution.csv")


def test_the_pool_of_terms_that_have_begun_stays(
    followed: Followed, logged: list[dict[str, Any]]
) -> None:
    """Its accruals are in one partition and would go on in another."""
    text = AGREEMENTS.replace("  partner: ALFA\n", "  partner: ALFA\n  pool: OTHER\n")
    reference_dir(followed.directory, agreements=text)
    followed.look()
    (problem,) = logged[0]["problems"]
    assert problem.startswith("agreements.yaml: ALFA-1 pool: differs;")


def test_a_version_to_come_may_be_written_and_changed(tmp_path: Path) -> None:
    """Until an hour before it begins."""
    both = with_second_version(AGREEMENTS)
    first = load(reference_dir(tmp_path / "1"))
    second = load(reference_dir(tmp_path / "2", agreements=both))
    third = load(reference_dir(tmp_path / "3", agreements=both.replace('"1"', '"2"')))
    begins = second.agreements[0].versions[1].valid_from_s
    assert list(forbidden(first, second, begins - 1)) == []
    assert list(forbidden(second, third, begins - 1)) == []
    (problem,) = forbidden(second, third, begins)
    assert problem.field == "ALFA-1 version 2"
    assert begun(second, begins - 1) == {("ALFA-1", 1), ("BRAVO-1", 1)}
    assert SOON_SECONDS >= 600  # usage may be that far ahead of the log


def test_it_stops_while_somebody_does_not_take(followed: Followed) -> None:
    """A loop that has ended takes nothing any more, and must not keep the process."""
    stop, asked = threading.Event(), threading.Event()

    def never(_: Tables) -> threading.Event:
        asked.set()
        return threading.Event()

    reloading = Reload(
        followed.directory,
        load(followed.directory),
        (),
        [Taker(never), Taker(followed._take("rate"))],  # noqa: SLF001 - the next in turn
        followed.metrics,
        clock=lambda: followed.now_s,
    )
    reference_dir(followed.directory, rates=DEARER)
    reloading.look(NEVER)
    followed.now_s += STILL_SECONDS
    thread = threading.Thread(target=reloading.look, args=(stop,))
    thread.start()
    assert asked.wait(60)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert followed.taken == []


class Settling:
    """A directory that is settled into while its reference is followed."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both loops and the follower run in threads."""
        monkeypatch.setattr(reload, "POLL_SECONDS", 0.01)
        monkeypatch.setattr(reload, "STILL_SECONDS", 0.05)
        self.data = place / "data"
        self.files = books.reference(place / "reference")
        known = fingerprint(self.files)
        self.weir = Embedded(self.data, self.files, usage_partitions=1)
        self.metrics = Metrics(lambda: 0)
        self.in_force = threading.Event()
        following = self.weir.following(self.files, known, self.metrics)
        following._takers = [  # noqa: SLF001 - one more behind the others
            *following._takers,  # noqa: SLF001
            Taker(at_once(lambda _: self.in_force.set())),
        ]
        self._stop = threading.Event()
        jobs = (lambda: self.weir.engine.run(self._stop), lambda: following.run(self._stop))
        self._threads = [threading.Thread(target=job) for job in jobs]
        for thread in self._threads:
            thread.start()

    def call(self, sequence: int, started_at: int = books.NOVEMBER_US) -> None:
        """Send a call of 61 s to a mobile."""
        body = books.call(sequence, started_at=started_at)
        self.weir.append(0, [(b"msc-1", message(Service.VOICE, body))])

    def end(self) -> dict[str, tuple[int, str]]:
        """Events and amount of the calls by period, once all is settled and verified."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        self.weir.store.close()
        with Embedded(self.data) as weir:
            rows = period_rows(weir.latest(ACCRUALS.name), weir.book)
        assert list(books.verdict(self.data).differences) == []
        return {r["booked"]: (r["events"], r["amount"]) for r in rows if r["item"] == "voice-in"}


def test_figures_stay_exact_when_terms_change_amid_settling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go on while the price of December doubles; November's stays, also for what is late.

    A call of 61 s is charged 66 s at 0.06 a minute and 0.01: 0.066 + 0.01 = 0.076. From December on
    0.12: 0.132 + 0.01 = 0.142. 200 + 50 calls in November are 19, 50 in December 7.1.
    """
    settling = Settling(tmp_path, monkeypatch)
    for sequence in range(1, 101):
        settling.call(sequence)
    dearer = RATES.replace("0.06,30,6,0.01,,", "0.06,30,6,0.01,,2024-12-01")
    new = "DE-MOBILE,0.12,30,6,0.01,2024-12-01,\n"
    (settling.files / "decks/STANDARD.rates.csv").write_text(dearer + new)
    for sequence in range(101, 201):
        settling.call(sequence)
    assert settling.in_force.wait(PATIENCE_SECONDS)
    for sequence in range(201, 301):
        late = sequence % 2
        settling.call(sequence, books.NOVEMBER_US + (0 if late else 30 * books.DAY_US))
    assert settling.end() == {"2024-11": (250, "19.000000"), "2024-12": (50, "7.100000")}
    assert len(list((settling.data / "reference").glob("[!c]*"))) == 2
    assert current_reference(settling.data).name == load(settling.files).reference_id


def test_a_broken_reference_amid_settling_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused while calls go on; 100 of them at 0.076 are 7.6."""
    settling = Settling(tmp_path, monkeypatch)
    for sequence in range(1, 51):
        settling.call(sequence)
    (settling.files / "decks/STANDARD.rates.csv").write_text("zone\n")
    refused = settling.metrics.registry.get_sample_value
    until = time.monotonic() + PATIENCE_SECONDS
    while not refused("weir_reference_refused_total") and time.monotonic() < until:
        time.sleep(0.01)
    for sequence in range(51, 101):
        settling.call(sequence)
    assert settling.end() == {"2024-11": (100, "7.600000")}
    assert not settling.in_force.is_set()
    assert refused("weir_reference_refused_total") == 1


def test_a_loop_takes_tables_between_two_batches() -> None:
    """In its own turn, before the next batch is computed."""
    bench = Bench()
    directory_tables: list[str] = []
    take = between_batches(bench.loop, lambda tables: directory_tables.append(tables.reference_id))
    done = take(cast("Tables", FakeTables("R2")))
    assert (done.is_set(), directory_tables) == (False, [])
    bench.step(segment(b"a"))
    assert (done.is_set(), directory_tables) == (True, ["R2"])


def test_run_looks_until_told_to_stop(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every quarter of a second."""
    stop, looks = threading.Event(), []
    monkeypatch.setattr(reload, "POLL_SECONDS", 0.001)

    def look(given: threading.Event) -> None:
        looks.append(given)
        if len(looks) == 3:
            stop.set()

    monkeypatch.setattr(followed.reload, "look", look)
    followed.reload.run(stop)
    assert looks == [stop] * 3
