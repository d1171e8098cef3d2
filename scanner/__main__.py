"""`python -m scanner` is `dfscan`: how `scan` and `watch` start their worker, whatever the command's own name is."""

if __name__ == "__main__":
    from scanner.cli.main import main

    main()
