//! The server as its callers see it: requests to `app()`, and the program.

mod access;
mod audit;
mod breach;
mod cameras;
mod corrections;
mod days;
mod door;
mod engines;
mod faces;
mod import;
mod keys;
#[cfg(unix)]
mod kills;
mod live;
mod openapi;
mod people;
mod policies;
mod program;
mod recognition;
mod register;
mod retention;
mod scenes;
mod security;
mod sightings;
mod support;
mod today;
mod two_step;
mod visits;
