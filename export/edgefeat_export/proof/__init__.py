"""What must be measured before a file may exist: its features beside those of Keras."""
