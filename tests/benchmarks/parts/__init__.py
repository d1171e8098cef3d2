"""One module per part: `measure(sizes)` yields its figures as they are ready. Its docstring says what is measured."""
