"""Formats of pictures and videos: recognised by content, opened to be shown."""
