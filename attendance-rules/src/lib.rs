//! Attendance rules.

mod calendar;
mod decide;
mod error;
mod evaluate;
#[cfg(feature = "ical")]
mod ical;
mod interval;
mod overtime;
mod policy;
mod presence;
mod punch;
mod record;
mod revision;
mod rules;
mod scan;
mod session;
mod statistics;
mod time;
mod work;

pub use calendar::*;
pub use error::*;
pub use policy::*;
pub use presence::*;
pub use punch::*;
pub use record::*;
pub use revision::*;
pub use rules::Rules;
pub use session::*;
pub use statistics::*;
pub use time::Seconds;
