"""Price files of cases through the product: `python tests/cases.py FILE...`.

Each case is translated into an agreement and usage (`case_models.py`), all of them are settled
together on one throw-away log, and what the settlement shows is compared to what is expected.
Prints a line for each case that failed, the counts of every model and the sum; exits with 1 if one
failed.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ops.whatif import Whatif
from schemas.documents import Problem
from schemas.reference import InvalidReferenceError, load
from tests.case_models import plan_of, read_cases
from tests.case_plans import Case, Figures, Plan, Shown, Step, UntranslatableError
from tests.case_usage import message

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
UNNAMED = re.compile(r"[^A-Za-z0-9-]")  # what a name of an agreement does not have
ERROR = "error:"
KEYS = ("route", "access_point", "product", "channel")
FX_FILE, BANDS_FILE = "fx.csv", "bands.yaml"


@dataclass(frozen=True)
class Verdict:
    """What became of a case: the answer, or why there is none."""

    case: Case
    answer: str

    @property
    def passed(self) -> bool:
        """Whether it is what is expected; a refusal must say what the expected code names."""
        expected = self.case.expected
        if expected.startswith(ERROR) and expected != self.answer:
            words = expected.removeprefix(ERROR).split("_")
            return self.answer.startswith("refused: ") and all(w in self.answer for w in words)
        return canonical(self.answer) == canonical(expected)


def canonical(text: str) -> str:
    """A text with every number in it written in one way."""
    return NUMBER.sub(lambda found: f"{Decimal(found[0]).normalize():f}", text).replace(" ", "")


def price(cases: Sequence[Case]) -> list[Verdict]:
    """Price cases, all in one settlement; in their order.

    Cases of one name are told apart by a number behind it.
    """
    named = [replace(c, id=f"{UNNAMED.sub('-', c.id)}_{at}") for at, c in enumerate(cases)]
    answers: dict[str, str] = {}
    plans: dict[str, tuple[Case, Plan]] = {}
    for case in named:
        try:
            plans[case.id] = (case, plan_of(case))
        except UntranslatableError as error:
            answers[case.id] = f"not translated: {error}"
    with tempfile.TemporaryDirectory(prefix="weir-cases-") as directory:
        reference = Path(directory).joinpath("reference")
        answers |= _load(plans, reference)
        if plans:
            with Whatif(reference) as whatif:
                answers |= _settle(whatif, plans)
    return [Verdict(c, answers[n.id]) for c, n in zip(cases, named, strict=True)]


def _load(plans: dict[str, tuple[Case, Plan]], reference: Path) -> dict[str, str]:
    """Write one reference of all plans; those that are refused are taken out of `plans`."""
    refused: dict[str, str] = {}
    while plans:
        owners = write_reference(reference, [plan for _, plan in plans.values()], list(plans))
        try:
            load(reference)
        except InvalidReferenceError as error:
            found: dict[str, list[str]] = {}
            for problem in error.problems:
                found.setdefault(_owner(problem, owners), []).append(str(problem))
            known = {name: said for name, said in found.items() if name in plans}
            if not known:
                raise
            for name, said in known.items():
                del plans[name]
                refused[name] = f"refused: {'; '.join(said)}"
            continue
        break
    return refused


Owners = Mapping[tuple[str, int], str]


def _owner(problem: Problem, owners: Owners) -> str:
    """The case that a problem of the reference is about."""
    whole = owners.get((problem.file, 0))
    return whole or owners.get((problem.file, problem.line), "")


def write_reference(directory: Path, plans: Sequence[Plan], names: Sequence[str]) -> Owners:
    """Write plans as a reference directory; whose each line and file is.

    An entry stands on a line of its own: JSON is YAML.
    """
    lines: dict[str, list[tuple[str, str]]] = {"agreements.yaml": [], BANDS_FILE: [], FX_FILE: []}
    texts = {"partners.yaml": "- {partner: PARTNER, name: A partner, country: DE}\n"}
    owners: dict[tuple[str, int], str] = {}
    keys = ["kind,key,agreement,valid_from,valid_upto"]
    for name, plan in zip(names, plans, strict=True):
        for terms in plan.agreements:
            lines["agreements.yaml"].append((f"- {json.dumps(terms)}", name))
            keys += [f"{kind},{terms['agreement']},{terms['agreement']},," for kind in KEYS]
        lines[BANDS_FILE] += [(f"- {json.dumps(bands)}", name) for bands in plan.bands]
        lines[FX_FILE] += [(rate, name) for rate in plan.rates]
        texts |= plan.files
        owners |= {(file, 0): name for file in plan.files}
    if lines[FX_FILE]:
        lines[FX_FILE].insert(0, ("source,base,quote,date,rate", ""))
    for file, rows in lines.items():
        if rows:
            texts[file] = "".join(f"{row}\n" for row, _ in rows)
            owners |= {(file, line): name for line, (_, name) in enumerate(rows, 1)}
    texts["attribution.csv"] = "".join(f"{row}\n" for row in keys)
    _write(directory, texts)
    return owners


def _write(directory: Path, texts: Mapping[str, str]) -> None:
    """Write files, and leave no others."""
    for old in directory.glob("**/*"):
        if old.is_file():
            old.unlink()
    for name, text in texts.items():
        path = directory.joinpath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@dataclass
class _Run:
    """A case under way."""

    figures: Figures
    script: Generator[Step, None, str]


def _settle(whatif: Whatif, plans: Mapping[str, tuple[Case, Plan]]) -> dict[str, str]:
    """Run all scripts side by side: one settlement for each step of them together."""
    answers: dict[str, str] = {}
    running: dict[str, _Run] = {}
    for name, (case, plan) in plans.items():
        figures = Figures(case)
        running[name] = _Run(figures, plan.script(figures))
    sent: dict[str, list[int]] = {name: [] for name in plans}
    sequence = 0
    while running:
        messages: list[bytes] = []
        steps: list[Step] = []
        for name, run in list(running.items()):
            try:
                step = next(run.script)
                for event in step.events:
                    messages.append(message(event, sequence))
                    sent[name].append(sequence)
                    sequence += 1
            except StopIteration as end:
                answers[name] = str(end.value)
                del running[name]
                continue
            except (UntranslatableError, LookupError, ValueError, ArithmeticError) as error:
                answers[name] = f"no answer: {error!r}"
                del running[name]
                continue
            steps.append(step)
        if running:
            whatif.send(messages)
            _ask(whatif, steps)
            shown = Shown(whatif, sent)
            for run in running.values():
                run.figures.show(shown)
    return answers


def _ask(whatif: Whatif, steps: Sequence[Step]) -> None:
    """Declare figures and close periods; a refusal shows in what is read."""
    closes: dict[str, list[str]] = {}
    for step in steps:
        for which, value in step.declares:
            whatif.declare(which, value)
        for agreement, period in step.closes:
            closes.setdefault(period, []).append(agreement)
    for period, agreements in sorted(closes.items()):
        whatif.close_periods(agreements, period)


def main(paths: Sequence[str]) -> int:
    """Price files and say what became of their cases; the exit code."""
    if not paths:
        print("say which cases: python tests/cases.py FILE...", file=sys.stderr)
        return 2
    verdicts = [v for path in paths for v in price(read_cases(Path(path)))]
    passed = Counter(v.case.model for v in verdicts if v.passed)
    models = Counter(v.case.model for v in verdicts)
    for verdict in verdicts:
        if not verdict.passed:
            case = verdict.case
            print(f"{case.id} {case.model}: expected {case.expected}, got {verdict.answer[:300]}")
    for model, count in sorted(models.items()):
        print(f"{model}: {passed[model]} passed, {count - passed[model]} failed")
    total = sum(passed.values())
    print(f"{total} passed, {len(verdicts) - total} failed")
    return 0 if total == len(verdicts) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
