"""Following: what masters told comes into force, and what is wrong holds up nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.figures import period_rows
from ops.follow import Held
from ops.reading import current_reference
from ops.state_hash import logged_state_hash
from schemas.codes import Service
from schemas.reference import InvalidReferenceError
from schemas.topics import ACCRUALS
from streams.control.changes import Change
from streams.control.deriving import derive
from streams.log import Message
from tests.builders import PARTNERS
from tests.ops import books
from tests.ops.masters import agreement, organization, product, tell, unknown_deck, version
from tests.usage_makers import message

CASA = (organization("CASA"), agreement("C-1", "CASA"), product("P-1", "C-1"))
SPAIN = (organization("SPAIN"), agreement("S-9", "SPAIN"), product("P-9", "S-9"))


def gigabytes(sequence: int, product_name: str, count: int = 2) -> Message:
    """Bandwidth of a product on 1 November 2024."""
    fields = {**books.BANDWIDTH, "product_instance": product_name}
    volumes = {"volume_up_bytes": count * 10**9, "volume_down_bytes": 0}
    body = books.event(Service.BANDWIDTH, sequence, **fields, **volumes)
    return b"msc-1", message(Service.BANDWIDTH, body)


def amounts(weir: Embedded) -> dict[str, str]:
    """What each agreement comes to."""
    rows = period_rows(weir.latest(ACCRUALS.name), weir.book)
    return {str(row["agreement"]): str(row["amount"]) for row in rows}


def state(weir: Embedded) -> str:
    """The digest of all figures."""
    return logged_state_hash(value for _, _, value in weir.latest(ACCRUALS.name))


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Embedded]:
    """Opens a data directory that is settled by the files of `books`."""
    Embedded(tmp_path / "data", books.reference(tmp_path / "reference")).close()
    return partial(Embedded, tmp_path / "data")


def test_a_change_is_in_force_for_usage_of_the_same_drain(opened: Callable[[], Embedded]) -> None:
    """Partner, contract and product were told before 2 GB at 0.5 came: 1."""
    with opened() as weir:
        tell(weir, CASA)
        weir.append(0, [gigabytes(1, "P-1")])
        weir.drain()
        assert amounts(weir) == {"C-1": "1.000000"}
        assert (weir.outcomes(), weir.resettled) == ({("rated", "none"): 1}, 0)


def test_it_goes_on_when_the_directory_is_opened_again(
    opened: Callable[[], Embedded], tmp_path: Path
) -> None:
    """With the files and with what was told; it says the same, so no other reference is kept."""
    with opened() as weir:
        tell(weir, CASA)
        weir.drain()
        name = weir.reference.reference_id
    with opened() as weir:
        assert weir.reference.reference_id == name == weir.reference_directory.name
        weir.append(0, [gigabytes(1, "P-1")])
        weir.drain()
        assert amounts(weir) == {"C-1": "1.000000"}
    kept = [path for path in (tmp_path / "data/reference").iterdir() if path.is_dir()]
    assert len(kept) == 2
    assert list(books.verdict(tmp_path / "data").differences) == []


def test_new_files_are_joined_with_what_was_told(
    opened: Callable[[], Embedded], tmp_path: Path
) -> None:
    """A route is added to the files; the product that masters told is still known."""
    with opened() as weir:
        tell(weir, CASA)
        weir.drain()
    mended = books.reference(tmp_path / "mended", books.MENDED)
    with Embedded(tmp_path / "data", mended) as weir:
        voice = message(Service.VOICE, books.call(2, "TX-1"))
        weir.append(0, [gigabytes(1, "P-1"), (b"msc-1", voice)])
        weir.drain()
        assert amounts(weir) == {"C-1": "1.000000", "W-1": "0.076000"}
        assert current_reference(weir.data).name == weir.reference.reference_id


def test_names_of_the_files_are_theirs(opened: Callable[[], Embedded]) -> None:
    """Masters name a partner, a contract and a product that the files give: the files stay."""
    with opened() as weir:
        before = weir.reference.reference_id
        tell(weir, [organization("ALFA"), agreement("W-1", "ALFA"), product("PORT-1", "M-1")])
        weir.drain()
        assert weir.reference.reference_id == before
        assert weir.follower.held() == ()


def test_a_bad_contract_holds_up_no_other(opened: Callable[[], Embedded]) -> None:
    """A deck that is not there: that contract and its keys are left out, the others come."""
    with opened() as weir:
        bad = agreement("S-9", "SPAIN", [unknown_deck()])
        tell(weir, [*CASA, organization("SPAIN"), bad, product("P-9", "S-9")])
        weir.append(0, [gigabytes(1, "P-1"), gigabytes(2, "P-9")])
        weir.drain()
        assert amounts(weir) == {"C-1": "1.000000"}
        contract, key = weir.follower.held()
        assert contract[:2] == ("agreements.yaml", "S-9")
        assert "NOWHERE" in contract.reason
        assert key == Held("attribution.csv", "product:P-9", "its agreement is not in force")
        # Mended, it is in force, and what waited for it is settled.
        tell(weir, [agreement("S-9", "SPAIN", at=1)])
        weir.drain()
        assert amounts(weir) == {"C-1": "1.000000", "S-9": "1.000000"}
        assert (weir.follower.held(), weir.resettled) == ((), 1)


def test_a_partner_that_cannot_be_takes_its_contracts_along(
    opened: Callable[[], Embedded],
) -> None:
    """A name with a space is none; the contract lacks its partner then, and its key the contract.

    The files and everybody else are as they were.
    """
    with opened() as weir:
        bad = [organization("S P"), agreement("S-9", "S P"), product("P-9", "S-9")]
        tell(weir, [*bad, *CASA])
        weir.drain()
        names = {agreement.agreement for agreement in weir.reference.agreements}
        assert "C-1" in names
        assert "S-9" not in names
        assert "P-9" not in weir.reference.attribution["key"]
        reasons = {finding.reason for finding in derive(weir.follower.entities).findings}
        assert {"bad_name", "unknown_agreement"} <= reasons


def test_terms_that_usage_may_have_been_settled_by_stay(
    opened: Callable[[], Embedded], tmp_path: Path
) -> None:
    """A dearer version of the same number is held back; others go on, also after a restart."""
    with opened() as weir:
        tell(weir, CASA)
        weir.append(0, [gigabytes(1, "P-1")])
        weir.drain()
        tell(weir, [agreement("C-1", "CASA", [version(price="9")], at=1), *SPAIN])
        weir.append(0, [gigabytes(2, "P-1"), gigabytes(3, "P-9")])
        weir.drain()
        assert amounts(weir) == {"C-1": "2.000000", "S-9": "1.000000"}
        (held,) = weir.follower.held()
        assert held[:2] == ("agreements.yaml", "C-1")
        assert "items[0].price.amount differs" in held.reason
    with opened() as weir:
        weir.append(0, [gigabytes(4, "P-1")])
        weir.drain()
        assert amounts(weir)["C-1"] == "3.000000"
        assert [one.name for one in weir.follower.held()] == ["C-1"]
    assert list(books.verdict(tmp_path / "data").differences) == []


def test_a_contract_that_is_deleted_ends(opened: Callable[[], Embedded]) -> None:
    """Usage may have been settled by it, so it stays up to the moment of its end."""
    with opened() as weir:
        tell(weir, CASA)
        weir.drain()
        gone = Change.from_bytes(CASA[1].to_bytes().replace(b'"full"', b'"gone"'))
        later = Change(**{**vars(gone), "at_us": gone.at_us + 1})
        tell(weir, [later])
        weir.drain()
        contract = weir.reference.agreements[-1]
        assert contract.agreement == "C-1"
        assert contract.versions[-1].valid_upto_s == -(-later.at_us // 1_000_000)
        assert weir.follower.held() == ()


def test_files_that_are_wrong_by_themselves_are_refused(
    opened: Callable[[], Embedded], tmp_path: Path
) -> None:
    """As always: the operator hears of it, and nothing was touched."""
    with opened() as weir:
        tell(weir, CASA)
        weir.drain()
        before = weir.reference.reference_id
    broken = books.reference(tmp_path / "broken", "kind,key\n")
    with pytest.raises(InvalidReferenceError, match=r"attribution\.csv"):
        Embedded(tmp_path / "data", broken)
    assert current_reference(tmp_path / "data").name == before


def test_decks_are_kept_once(opened: Callable[[], Embedded], tmp_path: Path) -> None:
    """References that differ by what was told share the files of the operator."""
    with opened() as weir:
        tell(weir, CASA)
        weir.drain()
    decks = (tmp_path / "data/reference").glob("*/decks/STANDARD.rates.csv")
    assert len({path.stat().st_ino for path in decks}) == 1
    assert (tmp_path / "reference/partners.yaml").read_text() == PARTNERS


ENDED = [version(valid_upto="2024-12-01"), version(2, "7", valid_from="2024-12-01")]
STEPS: tuple[Change | Message, ...] = (
    *CASA,
    *SPAIN,
    product("P-2", "C-1"),
    agreement("C-1", "CASA", ENDED, at=2),
    *(gigabytes(n, name, n) for n, name in enumerate(["P-1", "P-9", "P-2", "P-1", "P-9"], 1)),
)


def told_in(weir: Embedded, steps: Sequence[Change | Message], chance: random.Random) -> None:
    """Tell masters' changes and send usage in this order, settling at some of the moments."""
    for step in steps:
        if isinstance(step, Change):
            tell(weir, [step])
        else:
            weir.append(0, [step])
        if chance.random() < 0.4:
            weir.drain()
    weir.drain()


@pytest.mark.parametrize("seed", range(8))
def test_any_order_and_any_repetition_comes_to_the_same(tmp_path: Path, seed: int) -> None:
    """Usage before or after what it needs, each change once or thrice, in batches of any size.

    In order: C-1 has 1 + 3 + 4 GB and S-9 has 2 + 5 GB, at 0.5: 4 and 3.5.
    """
    reference = books.reference(tmp_path / "reference")
    chance = random.Random(seed)
    changes = [step for step in STEPS if isinstance(step, Change)]
    mixed = [*STEPS, *chance.choices(changes, k=6)]
    chance.shuffle(mixed)
    found = []
    for name, steps in (("ordered", STEPS), ("mixed", mixed)):
        with Embedded(tmp_path / name, reference) as weir:
            told_in(weir, steps, chance)
            assert amounts(weir) == {"C-1": "4.000000", "S-9": "3.500000"}
            assert weir.follower.held() == ()
            found.append((state(weir), weir.reference.reference_id, weir.outcomes()))
        assert list(books.verdict(tmp_path / name).differences) == []
    assert found[0] == found[1]
