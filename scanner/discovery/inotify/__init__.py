"""Watching on Linux: inotify(7), and the tree of the folders that are watched."""
