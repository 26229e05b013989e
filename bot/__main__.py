"""`python -m bot` is `easel`."""

from bot.cli import main

main()
