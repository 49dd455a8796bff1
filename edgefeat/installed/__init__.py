"""The packages that edgefeat needs: which versions, whether they are there, what mends it."""
