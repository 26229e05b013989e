"""The `easel` command and its subcommands."""
