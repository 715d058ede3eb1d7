"""What providers and customers call: receipts, messages written back, links that confirm a consent."""
