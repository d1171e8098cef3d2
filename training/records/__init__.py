"""What a run of training leaves in its folder: what it was, where it ran, how far it is."""
