"""Settling by what masters tell comes to the same as settling by files, however it comes in.

The same twelve partners of all four models, the same usage: once by reference files, and once by
the notifications of party, contract and inventory systems, in several interleavings with the usage,
out of order and repeated. What cannot be told late is a range of subscribers, since a subscriber in
no range is nobody's partner's and its usage is excluded: agreements with ranges are told first.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.generate import generate
from ops.generate_masters import Told, notifications, write_masters
from ops.state_hash import logged_state_hash
from schemas.topics import ACCRUALS, EXCEPTIONS, SUSPENSE
from tests.ops.books import verdict

EVENTS = 4_000
USAGE_PARTS = 8
Wanted = tuple[str, Sequence[bytes]]
RANGES = ("number_range", "imsi_range")


def state_hash(weir: Embedded) -> str:
    """The digest of all accruals."""
    return logged_state_hash(value for _, _, value in weir.latest(ACCRUALS.name))


def waiting(weir: Embedded) -> Sequence[bytes]:
    """The ids of what is suspended: the traffic has routes that nobody knows.

    Of two bodies under one id the one that comes later waits: which it is, is left out.
    """
    return sorted(key.partition(b"#")[0] for _, key, _ in weir.latest(SUSPENSE.name))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[Told], Wanted]:
    """A directory with traffic, what masters tell, and what settling by files comes to."""
    directory = tmp_path_factory.mktemp("masters")
    generated = generate(11, EVENTS, directory, formats=("jsonl",))
    with Embedded(directory / "by-files", generated.reference) as weir:
        for path in generated.files:
            list(weir.ingest(path))
        wanted = state_hash(weir), waiting(weir)
    told = notifications(generated.reference, 5)
    write_masters(generated.reference, directory / "masters", 5)
    lines = generated.files[0].read_text(encoding="utf-8").splitlines(keepends=True)
    for part in range(USAGE_PARTS):
        text = "".join(lines[part::USAGE_PARTS])
        (directory / f"usage-{part}.jsonl").write_text(text, encoding="utf-8")
    return directory, told, wanted


def agreement_of(told: Told) -> str:
    """The agreement or partner that a notification is about, as far as ranges are concerned."""
    [(_, thing)] = told.notification["event"].items()
    for characteristic in thing.get("resourceCharacteristic", ()):
        return str(characteristic["value"]["agreement"])
    return str(thing.get("id", ""))


def has_ranges(told: Sequence[Told]) -> set[str]:
    """The agreements that ranges of subscribers belong to."""
    found = set()
    for one in told:
        [(_, thing)] = one.notification["event"].items()
        for characteristic in thing.get("resourceCharacteristic", ()):
            if characteristic["value"]["kind"] in RANGES:
                found.add(str(characteristic["value"]["agreement"]))
    return found


def interleaved(told: Sequence[Told], seed: int) -> Iterator[Told | int]:
    """What comes in, in some order: notifications, some of them twice, and parts of the usage."""
    chance = random.Random(seed)
    ranged = has_ranges(told)
    partners = {name.removeprefix("AG-") for name in ranged}
    about = {*ranged, *partners, *(f"ROLE-{name}" for name in partners)}
    first = [one for one in told if agreement_of(one) in about]
    rest: list[Told | int] = [one for one in told if agreement_of(one) not in about]
    rest += chance.choices(told, k=len(told) // 5)
    rest += range(USAGE_PARTS)
    chance.shuffle(first)
    chance.shuffle(rest)
    yield from first
    yield from rest


def settle(weir: Embedded, directory: Path, steps: Iterator[Told | int]) -> None:
    """Take in what comes, notifications that follow one another together."""
    waiting: dict[str, list[bytes]] = defaultdict(list)
    for step in steps:
        if not isinstance(step, int):
            waiting[step.stream].append(json.dumps(step.notification).encode())
            continue
        tell(weir, waiting)
        list(weir.ingest(directory / f"usage-{step}.jsonl"))
    tell(weir, waiting)


def tell(weir: Embedded, waiting: Mapping[str, list[bytes]]) -> None:
    """Log what masters told."""
    for stream, messages in waiting.items():
        weir.notify(f"{stream}.v1", messages)
        messages.clear()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_interleaving_comes_to_the_figures_of_the_files(
    made: tuple[Path, Sequence[Told], Wanted], tmp_path: Path, seed: int
) -> None:
    """Equal state hashes, nothing waits any more, nothing was refused, and all can be verified."""
    directory, told, wanted = made
    with Embedded(tmp_path / "data", directory / "reference") as weir:
        settle(weir, directory, interleaved(told, seed))
        assert weir.latest(EXCEPTIONS.name) == []
        assert (state_hash(weir), waiting(weir)) == wanted
    assert not verdict(tmp_path / "data").differences
