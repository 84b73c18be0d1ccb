//! The tracker at its public boundary, on scripted videos that need no models.

#![cfg(feature = "engine")]

mod association;
mod cadence;
mod decision;
mod liveness;
mod sequences;
mod stage;
