//! The recognizer and the gallery at their public boundary, on parts that need no models.

#![cfg(feature = "engine")]

mod analysis;
mod concurrency;
mod enrollment;
mod gallery;
mod gallery_calibration;
mod identification;
mod liveness;
mod mirror;
mod parts;
mod recognition;
mod recognizability;
mod reembedding;
mod scenes;
mod second_look;
mod sightings;
mod thresholds;
mod verification;
