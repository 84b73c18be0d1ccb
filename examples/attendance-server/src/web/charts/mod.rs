//! Charts as SVG. Colors are classes of the style sheets, and each chart has its figures in a table beside it.

pub(crate) mod arrivals;
pub(crate) mod day;
pub(crate) mod week;
pub(crate) mod year;
