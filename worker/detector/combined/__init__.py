"""Several models that score pictures together."""
