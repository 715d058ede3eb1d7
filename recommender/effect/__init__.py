"""What a campaign caused: sums that add, and from them differences, intervals, checks and a verdict."""
