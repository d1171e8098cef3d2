"""Words that evidence is asked for by: one list for the command line and the window."""

from scanner.cli.report import report
from scanner.domain.evidence import FILTERS, Kind, Word


def test_filters_are_all_words_and_kinds() -> None:
    assert list(FILTERS) == [word.value for word in (*Word, *Kind)]
    assert len(set(FILTERS.values())) == len(FILTERS)


def test_help_names_each_word() -> None:
    [option] = [parameter for parameter in report.params if parameter.name == "evidence"]
    assert ", ".join(FILTERS) in (option.help or "")  # type: ignore[attr-defined]
