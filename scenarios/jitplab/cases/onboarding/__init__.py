"""From a provisioned chip to a certificate in the registry."""
