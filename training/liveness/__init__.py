"""Liveness distilled from MiniFASNet's pair, on live photos and on simulated attacks."""
