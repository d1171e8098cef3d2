"""The PySide6 review queue."""
