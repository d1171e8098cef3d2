"""Work on pending files: wake-ups, leases, worker processes and their supervisor."""
