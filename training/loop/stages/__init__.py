"""A run in its parts: what was asked for, its stages, the checkpoint that it ends in."""
