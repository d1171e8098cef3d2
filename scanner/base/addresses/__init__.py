"""Where things are: paths and URLs, as people write them, as they are stored, and as they may be shown."""
