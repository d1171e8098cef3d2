"""The worker's commands. Light to import: torch comes in when a command runs."""
