"""The subcommands of `edgefeat`, one file each: its arguments and its run."""
