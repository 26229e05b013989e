"""`easel init`: a few questions, and the two files that answer them: bot.toml and .env."""
