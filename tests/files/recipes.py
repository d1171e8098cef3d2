"""Recipes as users write them, of networks that are as small as can be."""


def cnn(
    *,
    hidden: str = "[]",
    dropout: float = 0.2,
    size: int = 32,
    sizes: str = "[32]",
    epochs: int = 1,
    batch_size: int = 8,
    learning_rate: str = "3e-3",
    more: str = "",
) -> str:
    """EfficientNet-Lite2 alone; `more` goes on after the plan."""
    return f"""
[network]
branches = ["efficientnet-lite2"]
hidden = {hidden}
dropout = {dropout}

[preprocessing]
size = {size}
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[plan]
sizes = {sizes}
epochs = {epochs}
batch_size = {batch_size}
optimiser = "adamw"
learning_rate = {learning_rate}
{more}"""
