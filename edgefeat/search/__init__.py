"""Search among stored vectors: nearest rows, near-duplicates, groups, and what a cosine means."""
