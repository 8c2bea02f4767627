"""The pipelines: graphs of pure functions, joined through the data catalog."""
