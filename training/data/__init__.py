"""Data sets: manifests, leaks, bias, samples, augmentation."""
