//! Challenges at their public boundary, with simulated presentations of a painted face that need no models.

#![cfg(all(feature = "engine", feature = "decode"))]

mod bad_input;
mod decisions;
mod nonces;
mod stage;
