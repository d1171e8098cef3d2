"""What a report lists."""

from scanner.reports.report import Report


def paths(report: Report) -> list[str]:
    """In the order that it lists them."""
    return [item.path for item in report.items]
