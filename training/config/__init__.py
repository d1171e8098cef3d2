"""How a network is trained: hyperparameters and recipes."""
