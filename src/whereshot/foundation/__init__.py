"""Parts that all other districts use: errors, settings, progress, processes, downloads, output files, tables, jobs."""
