"""Faces: found, cropped, and chosen as inputs of the network."""
