"""The terms of the core as plain types: states, labels, evidence, predictions, outcomes. No input or output, no database."""
