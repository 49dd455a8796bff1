"""Any picture becomes the graph's input: find, check, decode, resize."""
