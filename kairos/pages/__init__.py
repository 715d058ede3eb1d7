"""Pages that need nothing else: HTML with style, charts and the little script they have inside."""
