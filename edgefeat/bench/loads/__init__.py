"""The loads that can be put on a model: after MLPerf's scenarios, with durations for a workbench.

    single_stream    one call at a time; several setups take turns
    processes        the same, spread over several fresh processes
    multi_stream     queries of several pictures
    server           pictures that arrive at random times
    offline          all pictures at hand
    camera           frames at a fixed pace, of which the newest is taken

What can be set of each is a record in `edgefeat.bench.plan`.
"""
