"""Watching: on Linux by inotify(7) and a tree of the watched folders, elsewhere by watchdog."""
