"""The server: photos over HTTP, Predictions as answers, the files of the page, and the limits that protect both."""
