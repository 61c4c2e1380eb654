"""What people read: words, files, pages, maps, figures."""
