//! Model heads on valid, damaged and hostile input. No models are needed: the outputs of the networks are made up.

#![cfg(feature = "engine")]

mod detectors;
mod embedders;
mod fake;
mod liveness;
mod odd_images;
mod passes;
