"""The subcommands of `edgefeat-export`, one file each: its arguments and its run."""
