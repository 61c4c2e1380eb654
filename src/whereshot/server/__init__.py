"""The server: photos over HTTP, Predictions as answers, the files of the page, security checks, and all limits."""
