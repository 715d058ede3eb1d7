"""The brokers facts may arrive from: one file each, loaded only when its URL is named."""

SCHEMES = {
    "nats": "nats",
    "tls": "nats",
    "kafka": "kafka",
    "amqp": "rabbit",
    "amqps": "rabbit",
    "redis": "redis",
    "rediss": "redis",
}
"""Scheme of a URL -> the file of this folder that serves it; known without loading the clients."""
