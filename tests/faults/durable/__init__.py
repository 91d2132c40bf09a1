"""The rows about the durable store: what dies, freezes, fills up or breaks between the commit and the delivery."""
