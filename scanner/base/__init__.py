"""What everything rests on: errors, settings, log lines, paths and texts as they are stored and printed."""
