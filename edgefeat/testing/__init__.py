"""Tools to test programs that use edgefeat; each module is imported by its own name."""
