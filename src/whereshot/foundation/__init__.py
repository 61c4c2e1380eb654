"""Parts that every other district uses: errors, settings, progress, processes, downloads, files, tables, jobs."""
