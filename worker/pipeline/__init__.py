"""From a claimed file to its recorded verdict: read, decode, score, aggregate."""
