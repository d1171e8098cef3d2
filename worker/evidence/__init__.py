"""What a file says of its own origin: read from its bytes in a decoder process, beside its pixels."""
