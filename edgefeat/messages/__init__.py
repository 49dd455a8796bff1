"""What a person is told beside results; never blocks, and never tells a password."""
