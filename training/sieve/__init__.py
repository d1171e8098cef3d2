"""Trains the network that says where in a large picture a face may be (`worker/detector/faces/sieve.md`)."""
