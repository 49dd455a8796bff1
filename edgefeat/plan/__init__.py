"""A corpus cut into parts that any machine may do, in any order, twice if it must be."""
