"""What other users of the machine can reach: private folders and files, and paths that are opened without following links."""
