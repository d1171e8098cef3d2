"""The watched folders: which there are, whether they are there, what is recorded of them."""
