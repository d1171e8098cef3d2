"""Looking closer at one file: its stored pixels in another light, and its tags. Nothing here gives a verdict."""
