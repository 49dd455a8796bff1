"""The part of a bundle before the network: from a raw frame's bytes to the network's input."""
