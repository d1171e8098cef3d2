"""What was found in a time, as table, JSON, CSV or HTML."""
