"""``python -m fluid``, which is the command ``fluid``."""

from .cli import main

if __name__ == "__main__":
    main()
