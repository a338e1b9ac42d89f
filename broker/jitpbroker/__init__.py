"""A local MQTT broker that onboards devices by AWS IoT's just-in-time rules and says why it refused."""
