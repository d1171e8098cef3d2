"""What feeds a quick device: decoded pictures that are kept, and augmentation on the device itself."""
