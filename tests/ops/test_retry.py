"""Trying again by itself: what a new reference may settle, once, and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ops import retry
from ops.embedded import Embedded
from ops.retry import Again, Retry, change_of, waiting
from schemas.codes import Reason
from schemas.reference import load
from schemas.topics import RECYCLE, SUSPENSE
from streams.local_reader import recover
from streams.log import Message
from tests.builders import AGREEMENTS, ATTRIBUTION, RATES, reference_dir
from tests.ops import books
from tests.ops.books import CONFLICT, MENDED, RATED, UNKNOWN, call, settle

ROUTE, PRODUCT = Reason.UNKNOWN_ROUTE, Reason.UNKNOWN_PRODUCT
NETWORK, ACCESS_POINT = Reason.UNKNOWN_NETWORK, Reason.UNKNOWN_ACCESS_POINT
NO_ITEM = (Reason.NO_ITEM, "")
TRAITS = "kind,key,name,value,valid_from,valid_upto"


@pytest.mark.parametrize(
    ("attribution", "yes", "no"),
    [
        # A new route is for whoever lacks just that one.
        (
            ATTRIBUTION + "route,TX-1,own,,\n",
            [(ROUTE, "route:TX-1")],
            [(ROUTE, "route:TX-2"), (PRODUCT, "product:TX-1"), (NETWORK, "network:N"), NO_ITEM],
        ),
        # A route that belongs to somebody else from now on may lead to another agreement.
        (
            ATTRIBUTION.replace("TG-001,ALFA-1", "TG-001,own"),
            [(ROUTE, "route:TG-001"), NO_ITEM, (Reason.NO_AGREEMENT, "")],
            [(ROUTE, "route:TX-1"), (NETWORK, "network:N")],
        ),
        # So may one that ends.
        (ATTRIBUTION.replace("ALFA-1,,", "ALFA-1,,2026-06-01"), [(Reason.NO_RATE, "")], []),
        # A range may decide before an access point, a network or a shorter range does.
        (
            ATTRIBUTION + "number_range,4917,own,,\n",
            [(NETWORK, "network:N"), (ACCESS_POINT, "access_point:A"), NO_ITEM],
            [(ROUTE, "route:TX-1")],
        ),
        (ATTRIBUTION, [], [(ROUTE, "route:TX-1"), (NETWORK, ""), NO_ITEM]),
    ],
)
def test_keys_bear_on_what_may_be_found_by_them(
    tmp_path: Path,
    attribution: str,
    yes: Sequence[tuple[Reason, str]],
    no: Sequence[tuple[Reason, str]],
) -> None:
    """In doubt usage is tried; a key that is named must be just that."""
    before = load(reference_dir(tmp_path / "before"))
    after = load(reference_dir(tmp_path / "after", attribution=attribution))
    change = change_of(before, after)
    assert [change.bears_on(*case) for case in [*yes, *no]] == [True] * len(yes) + [False] * len(no)
    assert change.may_bear_on([reason for reason, _ in yes]) == bool(yes)


@pytest.mark.parametrize(
    "changed",
    [
        {"agreements": AGREEMENTS.replace("2026-01-01", "2025-01-01")},
        {"rates": RATES.replace("0.012", "0.013")},
        {"prefixes": "prefix,zone\n49,DE\n4917,DE-MOBILE\n33,DE\n"},
        {"others": {"characteristics.csv": f"{TRAITS}\nroute,TG-001,speed,1,,\n"}},
    ],
)
def test_terms_bear_on_what_is_not_for_lack_of_a_key(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    """Items, versions, rates and conditions; never on which of two bodies is right."""
    before = load(reference_dir(tmp_path / "before"))
    after = load(reference_dir(tmp_path / "after", **changed))
    change = change_of(before, after)
    for reason in (Reason.NO_ITEM, Reason.NO_RATE, Reason.NO_AGREEMENT, Reason.NO_RECEIVER):
        assert change.bears_on(reason)
    for reason in (ROUTE, Reason.CONFLICTING_BODY, Reason.FUTURE_TIME, Reason.NO_ATTRIBUTION_KEY):
        assert not change.bears_on(reason)


def test_partners_bear_on_nothing(tmp_path: Path) -> None:
    """Their words are for people."""
    before = load(reference_dir(tmp_path / "before"))
    partners = (tmp_path / "before/partners.yaml").read_text().replace("Alfa Telecom", "Alfa")
    change = change_of(before, load(reference_dir(tmp_path / "after", partners=partners)))
    assert not change.may_bear_on(list(Reason))


def asked(weir: Embedded) -> int:
    """How much was put on the log to be tried again."""
    return sum(len(segment) for segment in weir.read(RECYCLE.name))


def test_a_mended_reference_is_enough(tmp_path: Path) -> None:
    """The call of TX-1 is settled when its route is listed; the conflicting body waits on."""
    data = tmp_path / "data"
    settle(data, [*RATED, UNKNOWN, CONFLICT])
    with Embedded(data, books.reference(tmp_path / "mended", MENDED)) as weir:
        assert (weir.resettled, asked(weir)) == (1, 1)
        assert weir.outcomes()["rated", "none"] == len(RATED) + 1
    with Embedded(data) as weir:
        assert (weir.resettled, asked(weir)) == (0, 1)


def test_what_a_crash_interrupted_is_done_after_it(tmp_path: Path) -> None:
    """The reference came into force, and nothing was asked: the next process finds it undone."""
    data = tmp_path / "data"
    settle(data, [UNKNOWN])
    done = (data / "state/retried.json").read_text()
    with Embedded(data, books.reference(tmp_path / "other", MENDED.replace("TX-1", "TX-2"))):
        pass
    (data / "state/retried.json").write_text(done)
    with Embedded(data, books.reference(tmp_path / "mended", MENDED)) as weir:
        assert weir.resettled == 1


@pytest.mark.parametrize("note", [None, [[0, "0" * 16]], []])
def test_where_it_is_not_known_everything_is_tried(tmp_path: Path, note: object) -> None:
    """The note is gone, names a reference that is, or not this partition: two calls are tried."""
    data = tmp_path / "data"
    settle(data, [UNKNOWN, call(8, "TX-2")])
    if note is None:
        (data / "state/retried.json").unlink()
    else:
        (data / "state/retried.json").write_text(json.dumps(note))
    with Embedded(data) as weir:
        assert (asked(weir), weir.resettled) == (2, 0)
    with Embedded(data) as weir:
        assert asked(weir) == 2


def retry_of(weir: Embedded, file: Path, sent: list[int]) -> Retry:
    """One that notes how much it sends at once."""

    def append(partition: int, messages: list[Message]) -> None:
        sent.append(len(messages))
        weir.store.append(RECYCLE.name, partition, messages)

    place = SUSPENSE.name
    read = lambda number: recover(weir.store.database, (place, number), 0)  # noqa: E731
    return Retry(file, weir.data / "reference", read, append)


def test_much_is_asked_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five calls in slices of two; and only once by one reference."""
    monkeypatch.setattr(retry, "SLICE_MESSAGES", 2)
    data, sent = tmp_path / "data", list[int]()
    settle(data, [call(number, "TX-1") for number in range(1, 6)])
    with Embedded(data) as weir:
        tried = retry_of(weir, tmp_path / "retried.json", sent)
        assert tried.due(weir.reference, {0, 1}) == [0, 1]
        assert tried.ask(weir.reference, waiting(weir.engine.rate_hop, [0, 1])) == 5
        assert sent == [2, 2, 1]
        # Partition 1 is nobody's here: it stays due for when it comes.
        assert tried.due(weir.reference, {0, 1}) == [1]


def test_a_running_loop_is_asked_in_its_own_thread(tmp_path: Path) -> None:
    """What waits is looked at between two batches; one that has stopped is not waited for."""
    data, sent = tmp_path / "data", list[int]()
    settle(data, [UNKNOWN])
    with Embedded(data) as weir:
        tried = retry_of(weir, tmp_path / "retried.json", sent)
        again = Again(tried, weir.engine.rate, weir.engine.rate_hop)
        stop = threading.Event()
        stop.set()
        again(weir.reference, stop)
        assert sent == []
        stop.clear()
        thread = threading.Thread(target=again, args=(weir.reference, stop))
        thread.start()
        while thread.is_alive():
            weir.engine.advance()
            thread.join(0.01)
        assert sent == [1]
        again(weir.reference, stop)
        assert sent == [1]
