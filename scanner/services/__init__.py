"""What `dfscan watch`, `scan` and `verify` do, whoever calls them."""
