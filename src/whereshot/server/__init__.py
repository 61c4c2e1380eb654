"""Photos over HTTP in, Predictions out: the API, the page's files, and everything that keeps both safe to offer."""
