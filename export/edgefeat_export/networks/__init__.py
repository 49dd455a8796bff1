"""Named networks with their weights, and the user's own: what is exported."""
