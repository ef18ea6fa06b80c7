"""The command line: one module a subcommand, each loaded only when it is called."""
