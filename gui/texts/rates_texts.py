"""What a model's measured rates say about one verdict."""

from scanner.results.measured_rates import MeasuredRates


def rates_words(rates: MeasuredRates | None, label: str) -> str:
    """In whole sentences; says so where nothing was measured."""
    if rates is None:
        return "How often this model is right was not measured: its card has no figures."
    does = {"fake": "calls {} fake", "uncertain": "flags {}"}.get(label, "flags {}")
    real = f"Of real images it {does.format(rates.of_real)}." if rates.of_real else ""
    if rates.of_forged is None:
        forged = ""
    elif label == "real":
        forged = f"Of forged images it flags {rates.of_forged}; the others look to it as this one does."
    else:
        forged = f"Of forged images it {does.format(rates.of_forged)}."
    basis = f"Measured on {rates.real:,} real and {rates.forged:,} forged images: {rates.on}; in brackets 95 % intervals."
    return " ".join(part for part in (real, forged, basis) if part)
