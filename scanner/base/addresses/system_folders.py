"""Files and folders of systems and network drives that hold no pictures of their users."""

# Names that are passed over unless the setting `ignore` says otherwise: what systems and network drives keep for themselves,
NOT_PICTURES = ("@eaDir", "lost+found", "Thumbs.db", "desktop.ini", "System Volume Information", "FOUND.000")
# what was thrown away, and earlier states of what is beside them. Those that begin with a dot are hidden anyway.
TRASHES = ("$RECYCLE.BIN", "RECYCLER", "#recycle", "@Recycle", "Network Trash Folder")
SNAPSHOTS = ("#snapshot", "~snapshot", "@Recently-Snapshot", "Backups.backupdb")
