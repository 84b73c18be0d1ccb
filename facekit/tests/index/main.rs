//! Indexes as their users see them. With `FACEKIT_SOAK` set, with many entries and probes.

#![cfg(feature = "engine")]

mod changes;
mod gallery;
mod noise;
mod recall;
