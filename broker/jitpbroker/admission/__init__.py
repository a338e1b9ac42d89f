"""What happens at CONNECT: frozen facts in, one decision out, nothing else touched."""
