"""The brokers facts may arrive from: one file each, loaded only when its URL is named."""

SCHEMES = {
    "kafka": ("kafka",),
    "nats": ("nats", "tls"),
    "rabbit": ("amqp", "amqps"),
    "redis": ("redis", "rediss"),
}
"""File of this folder -> the schemes of the URLs it serves; known without loading the clients."""
