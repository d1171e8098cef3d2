"""From bytes to the pixels that a network is shown: decoding, colour, frames, preprocessing."""
