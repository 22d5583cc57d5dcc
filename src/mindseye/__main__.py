"""`python -m mindseye`."""

from mindseye.cli.app import main

main()
