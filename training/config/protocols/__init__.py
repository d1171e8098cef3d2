"""Protocols that come with the program: what is trained on and what is tested on, as published."""
