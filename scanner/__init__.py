"""The core of dfscan: settings, database, watching, intake, review, report, command line. No torch, no Qt."""
