"""`kairos stream`: facts as they happen, from a broker into the inbox, and from there to decisions and reserved messages."""
