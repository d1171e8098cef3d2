"""What a person or a stranger has written: each mistake is named with its place and in plain words."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from scanner.base.documents import DocumentError, from_strict_document


@dataclass(frozen=True)
class _Written:
    rule: Literal["squash", "centre"] = "squash"
    mean: tuple[float, float] = (0.0, 0.0)
    names: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"rule": "crop"}, "'crop' is none of squash, centre @ document.rule"),
        ({"rule": ["squash"]}, "['squash'] is none of squash, centre @ document.rule"),
        ({"mean": 0.5}, "0.5 is no list @ document.mean"),
        ({"names": "abc"}, "'abc' is no list @ document.names"),
        ({"names": ["a", 1]}, "1 is not of type str @ document.names[1]"),
    ],
)
def test_a_mistake_is_said_in_plain_words(document: dict[str, Any], said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        from_strict_document(_Written, document)
    assert str(caught.value) == said


def test_what_is_right_is_read() -> None:
    found = from_strict_document(_Written, {"rule": "centre", "mean": [1, 2.5], "names": ["a"]})
    assert found == _Written("centre", (1.0, 2.5), ("a",))
