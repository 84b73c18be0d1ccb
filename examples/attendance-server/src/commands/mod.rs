//! Commands: each change of the data is one function of a transaction, an actor and an input.
//!
//! API, pages and the command line call the same commands. A command checks the actor's scope, checks the input, changes
//! rows, writes the audit, and adds events. Its caller commits. Each table is written by the commands of one file only.

pub mod accounts;
pub mod audit;
pub mod breach;
pub mod consents;
pub mod corrections;
pub mod days;
pub mod devices;
pub mod disown;
pub mod enrolments;
pub mod erase;
pub mod events;
pub mod exports;
pub mod idempotency;
pub mod import;
pub mod inventory;
pub mod locks;
pub mod organisations;
pub mod pairing;
pub mod people;
pub mod policies;
pub mod punches;
pub mod recompute;
pub mod refusals;
pub mod retention;
pub mod review;
pub mod sessions;
pub mod sightings;
pub mod sites;
pub mod templates;
pub mod today;
pub mod tokens;
pub mod two_step;
