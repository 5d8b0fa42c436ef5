"""`python -m firemarshal.cli` is the command `firemarshal`."""

from firemarshal.cli import main

if __name__ == "__main__":
    main()
