"""The faces and the composition root: config, parsing, service, Discord, Telegram, console, reports."""
