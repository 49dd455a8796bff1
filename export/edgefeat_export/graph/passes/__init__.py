"""Graph passes: each makes the graph simpler and leaves its outputs as they were."""
