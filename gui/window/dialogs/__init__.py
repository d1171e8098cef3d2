"""Dialogs of the window: preferences, keys, help, evidence reports, what was moved away."""
