"""Liveness distilled from MiniFASNet, on live photos and on simulated attacks."""
