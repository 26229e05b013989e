"""`easel`, and `python -m bot`. The rest is imported inside: it takes a moment, in which Ctrl-C may come."""

import sys


def main() -> None:
    try:
        from bot.cli.encoding import write_what_can_be_shown
        from engine.libraries import importing

        with importing():
            from bot.cli.main import main as easel

        write_what_can_be_shown()
        easel()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
