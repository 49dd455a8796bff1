"""Networks for tables and texts: preprocessing layers written as standard operators, then merged."""
