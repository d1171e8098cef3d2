"""What runs in decoder processes: from the bytes of a file to inputs of the network. Loads no torch."""
