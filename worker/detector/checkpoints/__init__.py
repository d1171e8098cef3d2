"""Checkpoints as files, and their cards."""
