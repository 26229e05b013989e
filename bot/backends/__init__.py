"""bot.toml's [engine] turned into an engine backend, one file each."""
