"""Limited processes, for what hostile files may take over: how they are started, confined, asked and ended."""
