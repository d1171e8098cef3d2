"""Heads fitted on frozen branches: views, cached embeddings, weighted logistic regression, cuts from held-out sources."""
