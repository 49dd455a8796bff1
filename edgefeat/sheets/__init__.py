"""Contact sheets: pages of thumbnails, each one HTML file that needs nothing else."""
