"""Networks for tables and texts, as one graph of standard operators."""
