"""What customers say of the service: their answers as indices, who falls behind, and what their words are about."""
