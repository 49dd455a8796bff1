"""The machine that edgefeat runs on: its CPU, memory, heat and clock."""
