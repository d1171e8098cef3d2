"""Lines across the window: what went wrong, what waits, what was just done."""
