"""What single values may be; the files' own messages are tested where the fields are."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import ValidationError

from schemas.codes import Flow
from schemas.fields import Name, Strict, currency_code, line_of_text, one_of, read_text, whole


class Example(Strict):
    """One field of each sort."""

    name: Name = "any"
    count: Annotated[int, whole(1, 10)] = 1
    flow: Annotated[Flow, one_of(Flow)] = Flow.PAYABLE


def test_values_become_what_is_computed_with() -> None:
    """Text in, a number and a member out."""
    example = Example.model_validate({"name": "A-1", "count": "10", "flow": "receivable"})
    assert (example.name, example.count, example.flow) == ("A-1", 10, Flow.RECEIVABLE)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "-A", "begin with a letter or digit"),
        ("name", None, "is empty; write a value"),
        ("name", ["A"], "write a single value"),
        ("count", "11", "'11' is not a whole number from 1 to 10"),
        ("count", "01", "'01' is not a whole number from 1 to 10"),
        ("count", "1.0", "'1.0' is not a whole number from 1 to 10"),
        ("flow", "Payable", "write one of receivable, payable"),
    ],
)
def test_wrong_values_are_told_what_to_write(field: str, value: object, words: str) -> None:
    """The sentence names the value and what would do."""
    with pytest.raises(ValidationError, match=words):
        Example.model_validate({field: value})


def test_text_is_text() -> None:
    """A number that YAML has already read is no text: its spelling would be lost."""
    assert read_text("0.10") == "0.10"
    with pytest.raises(ValueError, match="single value"):
        read_text(0.1)
    assert line_of_text(" Alfa Telecom ") == "Alfa Telecom"
    with pytest.raises(ValueError, match="one line"):
        line_of_text("Alfa\nTelecom")
    assert currency_code("JPY") == "JPY"
