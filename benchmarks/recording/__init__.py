"""Recorded answers of a build of whereshot, and their comparison with those of another build.

A build is judged from outside only: by its commands and its HTTP server. So nothing here imports whereshot, and a
build whose modules have other names is recorded by the same code.
"""
