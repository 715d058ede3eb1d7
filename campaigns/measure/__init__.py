"""What a campaign caused, from the ledger: groups as they were drawn, goals once, health before effect."""
