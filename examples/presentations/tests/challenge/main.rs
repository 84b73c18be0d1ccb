//! Challenges at their public boundary, with simulated presentations of a painted face that need no models.

mod bad_input;
mod decisions;
mod nonces;
mod stage;
