"""Where features leave a network: the head found and cut off, pooling, reduction."""
