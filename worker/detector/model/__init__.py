"""The network: recipe, branches, public backbones."""
