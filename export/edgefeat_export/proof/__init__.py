"""What must be measured before a file may exist: features held against Keras's."""
