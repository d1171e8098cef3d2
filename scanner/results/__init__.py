"""What came of the work: verdicts, failures, near copies, comparisons of models."""
