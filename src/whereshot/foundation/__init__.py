"""What everything rests on: errors, settings, progress, processes, downloads, tables, jobs."""
