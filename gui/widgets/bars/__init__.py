"""Lines across the window: tabs, what went wrong, what waits, what was just done."""
