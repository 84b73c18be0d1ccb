"""The liveness check, distilled from MiniFASNet on photos of living people and on simulated attacks."""
