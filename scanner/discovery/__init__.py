"""From the disk to pending rows: watcher, walk, settling, sweeps, intake."""
