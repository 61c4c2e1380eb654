"""Turns answers and scores into what people read: text, files, pages, maps, figures."""
