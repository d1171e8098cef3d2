"""Near copies in the database, and groups of them in the report; evidence that reports and the queue are filtered by."""

from collections.abc import Callable
from datetime import datetime
from itertools import combinations

import numpy as np
import pytest

from scanner.database.engine import Database
from scanner.database.hamming import bits_apart
from scanner.database.models import File
from scanner.domain.claims import Claimed
from scanner.domain.evidence import Evidence
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Scored
from scanner.domain.states import Decision
from scanner.reports.report import build_report
from scanner.results import near_copies as module
from scanner.results.near_copies import DISTANCE, grouped, near_copies
from scanner.results.record import record
from scanner.review.criteria import Criteria, Tab
from scanner.review.decisions import decide, take_back
from scanner.review.review_queue import queue_page

Store = Callable[..., int]
LOWEST = -(1 << 63)


@pytest.fixture
def store(database: Database, pend, lease: Callable[..., list[Claimed]], row: Callable[[str], File], model, now) -> Store:
    """`store(path, fingerprint, score=, sha256=, evidence=)`: a scored file; gives its content's id."""

    def call(
        path: str,
        fingerprint: int | None,
        score: float = 0.9,
        sha256: str | None = None,
        evidence: tuple[Evidence, ...] | None = None,
    ) -> int:
        pend(path)
        [file] = lease()
        facts = ContentFacts(sha256 or f"{file.id:064x}", 10, "PNG", 4, 4, evidence, fingerprint)
        record(database, "worker", [Scored(file, facts, score, 0.1)], model, device="cpu", now=now)
        content = row(path).content_id
        assert content is not None
        return content

    return call


def test_distances_are_those_of_all_64_bits(database: Database, store: Store) -> None:
    rng = np.random.default_rng(3)
    values = [*map(int, rng.integers(LOWEST, -LOWEST - 1, 30)), 0, -1, LOWEST, -LOWEST - 1, 1]
    contents = [store(f"/{number:02}", value) for number, value in enumerate(values)]
    for content, value in zip(contents[-6:], values[-6:], strict=True):
        found = {copy.content_id: copy.distance for copy in near_copies(database, content, distance=64, limit=100)}
        expected = zip(contents, values, strict=True)
        assert found == {other: bin((value ^ far) & (2**64 - 1)).count("1") for other, far in expected if other != content}


def test_the_nearest_come_first_and_far_ones_not_at_all(
    database: Database, store: Store, now: datetime, model, lease, pend
) -> None:
    mine = store("/mine", -1)
    farther, same = store("/farther", -1 ^ 0b1111), store("/same", -1, score=0.2)
    store("/far", -1 ^ 0b11111)
    store("/b copy", -1, sha256=f"{1:064x}")  # of mine
    assert store("/a second file", -1, sha256=f"{3:064x}") == same
    flat = store("/flat", None)
    pend("/failed")
    [file] = lease()
    facts = ContentFacts("ff" * 32, 10, fingerprint=-1)
    record(database, "worker", [Failed(file, "unpredictable", "of no use", facts)], model, device="cpu", now=now)
    found = near_copies(database, mine)
    assert [(copy.content_id, copy.distance) for copy in found] == [(same, 0), (farther, 4)]
    assert (found[0].path, found[0].label, found[0].score, found[0].sha256) == ("/a second file", "real", 0.2, f"{3:064x}")
    assert near_copies(database, mine, limit=1) == found[:1]
    assert near_copies(database, flat) == ()


def test_a_decision_on_a_group_is_one_act(database: Database, store: Store, now: datetime) -> None:
    mine, near = store("/mine", 0), store("/near", 1)
    store("/far", 0xFFFF)
    group = (mine, *(copy.content_id for copy in near_copies(database, mine)))
    decided = decide(database, group, Decision.FAKE, note=None, reviewer="anna", now=now)
    assert {item.path: item.review for item in build_report(database).items} == {"/mine": "fake", "/near": "fake", "/far": None}
    assert set(take_back(database, decided, reviewer="anna", now=now).restored) == {mine, near}


def test_a_report_names_groups_and_shows_them_together(database: Database, store: Store) -> None:
    files = [("/a", 0, 0.99), ("/x", 0xFFFF, 0.95), ("/b", 1, 0.9), ("/flat", None, 0.8), ("/flat2", None, 0.7)]
    for number, (path, fingerprint, score) in enumerate(files, start=10):
        store(path, fingerprint, score, sha256=str(number) * 32)
    store("/copy of x", 0xFFFF, 0.95, sha256="11" * 32)
    report = build_report(database)
    groups = {item.path: item.group for item in report.items}
    assert groups["/a"] == groups["/b"] == "101010101010"
    assert groups["/x"] == groups["/copy of x"] == "111111111111"
    assert groups["/flat"] is groups["/flat2"] is None
    assert [item.path for item in report.items] == ["/a", "/b", "/copy of x", "/x", "/flat", "/flat2"]


@pytest.mark.parametrize("distance", [0, 1, DISTANCE, 8])
def test_bands_find_what_comparing_all_finds(distance: int) -> None:
    rng = np.random.default_rng(4)
    values = [int(value) for value in rng.integers(LOWEST, -LOWEST - 1, 60)]
    for value in values[:40]:
        for flips in range(1, 12, 2):
            bits = rng.choice(64, flips, replace=False)
            wrapped = (value ^ sum(1 << int(bit) for bit in bits)) & (2**64 - 1)
            values.append(wrapped - 2**64 if wrapped >= 2**63 else wrapped)
    contents = [(f"{number:064x}", value) for number, value in enumerate(dict.fromkeys(values))]
    neighbours: dict[str, set[str]] = {name: {name} for name, _ in contents}
    for (one, first), (other, second) in combinations(contents, 2):
        if bits_apart(first, second) <= distance and neighbours[one] is not neighbours[other]:
            neighbours[one] |= neighbours[other]
            for name in neighbours[other]:
                neighbours[name] = neighbours[one]
    expected = {name: min(group)[:12] for name, group in neighbours.items() if len(group) > 1}
    assert grouped(contents, distance=distance) == expected
    assert distance == 0 or expected


def test_grouping_does_not_compare_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counted(one: int, other: int) -> int:
        nonlocal compared
        compared += 1
        return bits_apart(one, other)

    monkeypatch.setattr(module, "bits_apart", counted)
    rng = np.random.default_rng(5)
    values = rng.integers(LOWEST, -LOWEST - 1, 10_000)
    assert grouped([(f"{number:064x}", int(value)) for number, value in enumerate(values)]) == {}
    assert compared < 20 * len(values)  # of 5,000 times their number


GENERATED = Evidence("generator", "comfyui", "written by ComfyUI", "PNG text prompt")
SIGNED = Evidence("c2pa", "valid", "signed by someone", "C2PA manifest")
CAMERA = Evidence("camera", "present", "camera data: Canon", "EXIF")
NO_CAMERA = Evidence("camera", "missing", "no camera data, which proves nothing", "EXIF")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("generated", {"/generated", "/both"}),
        ("generator", {"/generated", "/both"}),
        ("c2pa", {"/both"}),
        ("any", {"/generated", "/both"}),
        ("camera", {"/photo"}),
        ("invalid", set()),
    ],
)
def test_report_and_queue_are_filtered_by_evidence(database: Database, store: Store, word: str, expected: set[str]) -> None:
    store("/generated", None, evidence=(GENERATED, NO_CAMERA))
    store("/both", None, evidence=(GENERATED, SIGNED))
    store("/photo", None, evidence=(CAMERA,))
    store("/nothing", None, evidence=(NO_CAMERA,))
    store("/not looked for", None)
    report = build_report(database, evidence=word)
    assert {item.path for item in report.items} == expected
    assert report.totals["files"] == report.matching == len(expected)
    criteria = Criteria(evidence=word)
    assert criteria.is_narrowed
    assert {item.path for item in queue_page(database, criteria, after=None, limit=9)} == expected
    assert Criteria.from_json(criteria.to_json(), Tab.TO_REVIEW) == criteria


def test_filters_saved_before_evidence_was_one_are_read(now: datetime) -> None:
    document = Criteria(since=now).to_json()
    del document["evidence"]
    assert Criteria.from_json(document, Tab.TO_REVIEW) == Criteria(since=now)


def test_older_contents_are_completed(database: Database, store: Store, model: ActiveModel, pend, lease, now: datetime) -> None:
    """What an older version did not look for is added and nothing is taken away."""
    store("/a", None, sha256="aa" * 32)
    store("/b", 5, sha256="aa" * 32, evidence=(GENERATED,))
    pend("/c")
    [file] = lease()
    failed = Failed(file, "undecodable", "needs more memory", ContentFacts("aa" * 32, 10))
    record(database, "worker", [failed], model, device="cpu", now=now)
    items = build_report(database, evidence="generated").items
    assert {item.path for item in items} == {"/a", "/b", "/c"}
    assert {item.group for item in items} == {"aa" * 6}
    assert items[0].evidence == (GENERATED,)


def test_large_report_has_no_groups(database: Database, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of more than can be compared is in no groups."""
    store("/a", 0, 0.99)
    store("/x", 0xFFFF, 0.95)
    store("/b", 1, 0.9)
    monkeypatch.setattr("scanner.reports.report.GROUPED_AT_MOST", 2)
    assert [(item.path, item.group) for item in build_report(database).items] == [("/a", None), ("/x", None), ("/b", None)]
