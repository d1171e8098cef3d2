"""The worker process: start, model, circuit breaker, checks."""
