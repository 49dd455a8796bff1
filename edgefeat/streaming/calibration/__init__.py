"""What a scene does by itself, and which gates suit it."""
