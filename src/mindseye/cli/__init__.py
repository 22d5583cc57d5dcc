"""The command line: each command parses, calls the public API and prints. Nothing heavy is imported to show help."""
