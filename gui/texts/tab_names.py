"""The names of the tabs, and what an empty one says."""

from collections.abc import Sequence

from scanner.review.criteria import Criteria, Tab

TAB_NAMES = {
    Tab.TO_REVIEW: "To review",
    Tab.FAKE: "Fake",
    Tab.REAL: "Real",
    Tab.UNSURE: "Unsure",
    Tab.PROBLEMS: "Problems",
}


def empty_words(criteria: Criteria, filters: Sequence[str], waiting: str) -> str:
    """Why there is nothing: `filters` in words, and what waits to be scanned."""
    if criteria.is_narrowed:
        words = f"Nothing here matches: {', '.join(filters)}."
    elif criteria.tab is not Tab.TO_REVIEW:
        words = "No decisions of this kind yet."
    elif waiting:
        words = "Nothing was flagged so far.\nNew flagged images appear by themselves."
    else:
        words = "Nothing waits for you here.\nNew flagged images appear by themselves."
    return "\n".join(part for part in (words, waiting) if part)
