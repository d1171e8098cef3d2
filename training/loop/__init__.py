"""The training run: schedule, steps, state, several processes."""
