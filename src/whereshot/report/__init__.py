"""Turn answers and scores into text, files, pages, maps and figures for people."""
