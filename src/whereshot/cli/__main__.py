"""``python -m whereshot.cli``: the same as the command."""

from whereshot.cli import main

if __name__ == "__main__":
    main()
