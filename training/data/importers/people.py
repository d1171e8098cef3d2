"""Who is seen in a video, by the names that data sets give their videos; and who must therefore stay together."""

import re
from collections.abc import Iterable, Sequence

_FACEFORENSICS = re.compile(r"(\d{3})(?:_(\d{3}))?")
_ACTORS = re.compile(r"(\d{2})(?:_(\d{2}))?__.+")
_CELEB_DF = re.compile(r"(id\d+)(?:_(id\d+))?_\d+")


def people_of_faceforensics(video: str) -> tuple[str, ...]:
    """`000` is one person, `000_003` the first with the face of the second; `01_02__kitchen` are actors (DeepFakeDetection)."""
    if found := _FACEFORENSICS.fullmatch(video):
        return _named(found)
    if found := _ACTORS.fullmatch(video):
        return tuple(f"actor{number}" for number in _named(found))
    return (video,)


def people_of_celeb_df(video: str) -> tuple[str, ...]:
    """`id0_0001` is one person, `id0_id1_0001` the first with the face of the second. Others stand for themselves."""
    found = _CELEB_DF.fullmatch(video)
    return _named(found) if found else (video,)


def groups_of(people_of_videos: Iterable[Sequence[str]]) -> dict[str, str]:
    """By person, the group: all who are linked through videos with two of them. It is called after its first by name."""
    group: dict[str, str] = {}

    def first(person: str) -> str:
        while group.setdefault(person, person) != person:
            group[person] = person = group[group[person]]
        return person

    for people in people_of_videos:
        for person in people:
            one, other = sorted((first(people[0]), first(person)))
            group[other] = one
    return {person: first(person) for person in list(group)}


def _named(found: re.Match[str]) -> tuple[str, ...]:
    return tuple(name for name in found.groups() if name)
