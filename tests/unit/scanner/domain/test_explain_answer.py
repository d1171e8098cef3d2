"""Answers of `dfscan explain --serve`: what the worker writes, the window reads."""

import json

import pytest

from scanner.base.documents import DocumentError
from scanner.domain.explain_answer import ExplainAnswer, ExplainedInput

ANSWER = ExplainAnswer(
    "/a\udcff.jpg", "ab" * 32, 0.75, "fake", "faces", True, {"clip": 0.5}, (ExplainedInput((1, 2, 3, 4), 0.5, "a-0.png"),)
)


@pytest.mark.parametrize("answer", [ANSWER, ExplainAnswer("/a.jpg", error="no picture"), ExplainAnswer(None, error="no request")])
def test_json_and_back(answer: ExplainAnswer) -> None:
    document = json.loads(json.dumps(answer.to_json()))
    assert list(document) == ["path", "sha256", "score", "label", "basis", "stable", "branches", "inputs", "error", "part"]
    assert ExplainAnswer.from_json(document) == answer


def test_answer_as_windows_kept_it() -> None:
    kept = {"path": "/a", "sha256": "ab", "score": 0.5, "inputs": [{"box": [1, 2, 3, 4], "score": 0.5, "heatmap": "a.png"}]}
    assert ExplainAnswer.from_json(kept) == ExplainAnswer("/a", "ab", 0.5, inputs=(ExplainedInput((1, 2, 3, 4), 0.5, "a.png"),))


@pytest.mark.parametrize(
    "line", ["5", "[]", "{}", '{"path": "/a", "error": null}', '{"path": "/a", "sha256": "ab", "score": "high"}']
)
def test_what_is_no_answer(line: str) -> None:
    with pytest.raises(DocumentError):
        ExplainAnswer.from_json(json.loads(line))
