"""Videos in data sets: their frames, how many of each are taken, and how they are compressed."""
