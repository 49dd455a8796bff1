"""Which frames become records: motion, novelty, masks and how calm a scene is."""
