"""The terms of the core as plain types: evidence, prediction. No input or output."""
