"""Decoder processes: how they are started, confined, asked and answered for. What they do is not known here."""
