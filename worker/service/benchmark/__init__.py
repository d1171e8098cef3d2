"""What this machine does with the pictures of a folder, and how long a scan of all of them would take. Nothing is stored."""
