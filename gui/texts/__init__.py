"""What the window says: labels, evidence, status, names for screen readers."""
