"""Moving files to quarantine or trash, and back, with a journal."""
