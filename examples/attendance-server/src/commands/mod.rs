//! Commands: each change of the data is one function of a transaction, an actor and an input.
//!
//! API, pages and the command line call the same commands. A command checks the actor's scope, checks the input, changes
//! rows, writes the audit, and adds events. Its caller commits. Each table is written by the commands of one file only.

pub mod accounts;
pub mod audit;
pub mod days;
pub mod inventory;
pub mod organisations;
pub mod people;
pub mod recompute;
pub mod review;
pub mod sessions;
pub mod sites;
pub mod today;
pub mod tokens;
