"""The priced cases: which models pass, that a wrong answer is seen, that nothing is reckoned here.

What a case costs is for the product to say. The translation may restate a contract's terms and turn
quantities into usage (`case_terms`, `case_usage`); where answers are read nothing is multiplied.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests import cases
from tests.case_models import read_cases, table_of
from tests.case_plans import Case, UntranslatableError
from tests.case_terms import exact, stretch
from tests.cases import Verdict, price

HERE = Path(__file__).parent
FILE = HERE / "data" / "rating-cases.jsonl"
RESTATING = {"case_terms.py", "case_usage.py"}
RECKONING = (ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)

# Models of which every case passes; the list only grows.
PASSING = {
    "attempt_fee",
    "beat_effective_dated",
    "beat_graduated",
    "beat_graduated_offset",
    "beat_volume",
    "billed_seconds",
    "block_graduated",
    "block_graduated_incremental",
    "block_graduated_two_units",
    "block_multi_unit",
    "block_volume",
    "block_volume_two_units",
    "capacity_tier",
    "credit_note",
    "cumulative_quantity",
    "day_hours",
    "duration_local",
    "free_units",
    "fx",
    "graduated",
    "graduated_delta",
    "graduated_incremental",
    "graduated_incremental+max",
    "graduated_incremental+min",
    "graduated_percentage",
    "increments",
    "increments_per_leg",
    "longest_prefix",
    "margin_share",
    "multiplier",
    "multiplier+max",
    "multiplier+max_delta",
    "multiplier+min_delta",
    "multiplier_delta",
    "netting",
    "package",
    "package+min",
    "package_delta",
    "package_incremental",
    "package_incremental+max",
    "per_unit",
    "per_unit+discount+max",
    "per_unit+max",
    "per_unit_delta",
    "per_unit_period_preserving",
    "per_unit_rounded_delta",
    "percentile_95",
    "percentile_95_commit",
    "plan_change_proration",
    "proration",
    "reconcile_tolerance",
    "revenue_share_greater_of",
    "revenue_share_pct",
    "revenue_share_tiered",
    "revenue_share_tiered_retroactive",
    "percentage",
    "round",
    "round_duration",
    "send_or_pay",
    "setup+beat",
    "share_reversal",
    "swap_balanced",
    "tier_apportion",
    "split_first_parts",
    "split_largest_remainder",
    "split_round_first_rest_remainder",
    "time_of_day",
    "time_of_day_start_band",
    "time_split_increment",
    "time_weighted",
    "true_up",
    "two_packet_beat",
    "two_sided_balance",
    "two_sided_billed_seconds",
    "two_sided_price",
    "unit_convert_incremental",
    "unit_convert_round",
    "volume",
    "volume+max_delta",
    "volume+min/max",
    "volume_delta",
    "volume_discount",
    "volume_prorated",
    "windowed_commitment",
    "windowed_graduated",
    "windowed_package",
    "windowed_per_unit",
    "windowed_volume",
}

CALL = Case("call", "increments", {"rates": [{"price": "0.1", "unit": "60"}]}, ["90"], "0.15")
GAPPED = Case(
    "gap",
    "volume",
    {"tiers": [{"from": "0", "up_to": "9", "unit": "1"}, {"up_to": "7", "unit": "2"}, {}]},
    ["1"],
    "error:tier_overlap",
)


@pytest.fixture(scope="module")
def verdicts() -> Sequence[Verdict]:
    """All cases of the file, priced together."""
    return price(read_cases(FILE))


def test_every_case_has_an_answer_or_a_reason(verdicts: Sequence[Verdict]) -> None:
    """All 290, none left out."""
    assert len(verdicts) == 290
    assert len({v.case.id for v in verdicts}) == 290
    assert all(v.answer for v in verdicts)


def test_what_has_passed_goes_on_passing(verdicts: Sequence[Verdict]) -> None:
    """Every case of every listed model gives what is expected."""
    failed = {v.case.model: (v.case.id, v.answer) for v in verdicts if not v.passed}
    assert {model: failed[model] for model in PASSING if model in failed} == {}
    assert {v.case.model for v in verdicts} >= PASSING


def test_a_wrong_expectation_is_seen(verdicts: Sequence[Verdict]) -> None:
    """Every answer that passes fails when one digit more is expected."""
    passed = [v for v in verdicts if v.passed and not v.case.expected.startswith("error")]
    assert passed
    for verdict in passed:
        wrong = replace(verdict.case, expected=f"{verdict.case.expected}1")
        if "." not in verdict.case.expected:
            wrong = replace(wrong, expected=f"{verdict.case.expected}.01")
        assert not replace(verdict, case=wrong).passed, verdict.case.id


def test_nothing_is_reckoned_where_answers_are_read() -> None:
    """No multiplication and no division but where terms are restated and usage is made."""
    names = {path.name for path in HERE.glob("case*.py")}
    assert names > RESTATING
    for name in names - RESTATING:
        found = [ast.dump(node) for node in _reckoned((HERE / name).read_text(encoding="utf-8"))]
        assert found == [], name


def test_restating_sees_no_figures() -> None:
    """The two that may multiply import nothing that shows what the product answered."""
    for name in RESTATING:
        tree = ast.parse((HERE / name).read_text(encoding="utf-8"))
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not imported & {"Figures", "Shown", "Whatif", "leg", "net", "price"}


@pytest.mark.parametrize("text", ["a * b", "a /= 2", "a // b", "a % b", "a ** 2"])
def test_reckoning_is_found(text: str) -> None:
    """Whatever way it is written; unpacking a list is none."""
    assert _reckoned(text)
    assert not _reckoned("f(*a, **b)\nx = a + b - c")


def _reckoned(text: str) -> list[ast.AST]:
    """The places of a text where something is multiplied or divided."""
    return [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, RECKONING)
    ]


def test_cases_that_are_refused_do_not_stop_the_others() -> None:
    """A name that is given twice, a table out of order and a model nobody knows, beside a call."""
    unknown = replace(CALL, model="incrementz")
    answers = [v.answer for v in price([CALL, GAPPED, unknown, CALL])]
    assert [answers[0], answers[3]] == ["0.15", "0.15"]
    assert answers[1].startswith(("refused: ", "not translated: "))
    assert answers[2] == "not translated: model 'incrementz' is not known"


OTHERS: list[tuple[str, dict[str, Any], list[Any], str]] = [
    # Models, parameters, usage and what they come to, worked by hand: kinds that the file has too.
    ("per_unit", {"price": "5", "unit": "1000"}, ["250", "1.5"], "1.2575"),  # 251.5 x 5 / 1000
    ("per_unit", {"price": "36", "unit": "3600"}, ["100"], "1"),
    ("round", {"decimals": 2, "mode": "down"}, ["-1.239"], "-1.23"),
    ("round", {"decimals": 1, "mode": "half_even"}, ["0.12345678", "0.02654322"], "0.1"),
    ("unit_convert_round", {"divide_by": "1048576", "decimals": 0, "mode": "ceil"}, ["1"], "1"),
    ("unit_convert_round", {"divide_by": "60", "decimals": 0, "mode": "floor"}, ["119"], "1"),
    ("graduated", {"tiers": [{"up_to": "0.5", "unit": "2"}, {"unit": "1"}]}, ["0.75"], "1.25"),
    ("graduated_delta", {"tiers": [{"up_to": "5", "unit": "1"}, {"unit": "3"}]}, [4, 6], "4,4"),
    ("per_unit_incremental", {"price": "0.3", "decimals": 0}, [(4, 2)], "1"),  # 1.2, then 1.8
    ("increments", {"rates": [{"price": "6", "increment": "20"}]}, ["21"], "240"),
    ("billed_seconds", {"initial": "6", "next": "6"}, ["7", "12"], "12,12"),
    ("two_sided_balance", {"start": "9", "side": "customer"}, [{"price": "4"}], "5"),
    ("day_hours", {"zone": "Europe/Paris"}, ["2024-03-31"], "23"),
    ("duration_local", {"zone": "Europe/Paris"}, [("2024-10-27", "01:30", "03:30")], "10800"),
]


def test_other_cases_of_the_same_kinds_need_no_code() -> None:
    """Other units, decimals, modes, sides and days."""
    given = [Case(f"o{n}", m, p, _usage(u), e) for n, (m, p, u, e) in enumerate(OTHERS)]
    answers = {(v.case.id, v.case.model): v.answer for v in price(given) if not v.passed}
    assert answers == {}


def _usage(rows: Sequence[Any]) -> list[Any]:
    """Short forms of usage as files have them: snapshots, what was before and came then, a call."""
    found: list[Any] = []
    for row in rows:
        match row:
            case int():
                found.append({"cumulative": str(row)})
            case int(before), int(then):
                found.append({"previous": str(before), "added": str(then)})
            case day, start, end:
                found.append({"start_local": f"{day}T{start}", "end_local": f"{day}T{end}"})
            case _:
                found.append(row)
    return found


def test_a_refusal_passes_only_for_the_reason_that_is_expected() -> None:
    """The code's words stand in what the product says; an answer is no refusal."""
    case = replace(CALL, expected="error:tier_gap")
    assert Verdict(case, "refused: tiers[1].from: leaves a gap after tier 1").passed
    assert not Verdict(case, "refused: tiers[1].from: is not known here").passed
    assert not Verdict(case, "leaves a gap after tier 1").passed
    assert Verdict(replace(CALL, expected="error:no_rate"), "error:no_rate").passed


def test_numbers_are_compared_as_numbers() -> None:
    """However many zeros, and in lists; a fraction that is no decimal is another number."""
    assert Verdict(replace(CALL, expected="P1:10+P2:-10 | 0"), "P1:10.00+P2:-10.0 | 0").passed
    assert Verdict(replace(CALL, expected="100"), "100.000000").passed
    assert not Verdict(replace(CALL, expected="0.333333"), "1/3").passed


def test_names_of_models_are_taken_apart() -> None:
    """Tables, blocks, windows and what is read; a table that nobody knows is said."""
    assert table_of("block_graduated_two_units").block
    assert table_of("windowed_package").windowed
    assert table_of("volume+max_delta").base == "volume"
    assert table_of("package+min/max_incremental").base == "package"
    assert table_of("block_multi_unit").base == "graduated"
    with pytest.raises(UntranslatableError, match="surprise"):
        table_of("surprise+max")


def test_terms_are_restated_exactly_or_not_at_all() -> None:
    """A third is no decimal; a quarter of 90 days begins with January 2023."""
    with pytest.raises(UntranslatableError, match="1/3 is no decimal"):
        exact(Fraction(1, 3))
    assert stretch("14/90").period == "2023-01"


def test_the_command_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for the case, the counts of its model, the sum; exit code 1, else 0."""
    file = tmp_path / "own.jsonl"
    rows = [{**_row(CALL), "id": "a"}, {**_row(CALL), "id": "b", "expected": "0.16"}]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert cases.main([str(file)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "b increments: expected 0.16, got 0.15",
        "increments: 1 passed, 1 failed",
        "1 passed, 1 failed",
    ]
    file.write_text(f"{json.dumps(rows[0])}\n")
    assert cases.main([str(file)]) == 0
    assert cases.main([]) == 2


def _row(case: Case) -> dict[str, object]:
    """A case as a file has it."""
    return {"model": case.model, "params": case.params, "usage": case.usage, "expected": "0.15"}


def test_a_case_is_settled_once(verdicts: Sequence[Verdict]) -> None:
    """Counts by model are those of the file."""
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    assert Counter(v.case.model for v in verdicts) == Counter(row["model"] for row in rows)
