"""Folders and lists of known layouts, as manifest rows. One module per layout."""
