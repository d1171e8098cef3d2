"""Running it: status, doctor, self-test, metrics, start at login."""
