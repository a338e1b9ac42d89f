"""Failures against AWS IoT's limits on MQTT."""
