"""`python -m maddpg` is the command `maddpg`."""

from maddpg.cli import main

if __name__ == "__main__":
    main()
