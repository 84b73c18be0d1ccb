//! Suggestions for misspelled names.

use std::borrow::Cow;

/// The known name that is spelled most like `name`, if any is similar enough.
pub(crate) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.filter_map(|known| {
        // Jaro-Winkler favors words with the same beginning; the edit distance finds typing errors.
        let (similarity, edits) = (
            strsim::jaro_winkler(name, known),
            strsim::normalized_damerau_levenshtein(name, known),
        );
        (similarity > 0.8 || edits > 0.5).then_some((similarity + edits, known))
    });
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(best.1)
}

/// The reason that names an unknown region, with the known region that is spelled most like it.
pub(crate) fn unknown_region(region: &str, known: &[String]) -> String {
    let hint: Cow<'_, str> = match closest(region, known.iter().map(String::as_str)) {
        Some(closest) => format!("; did you mean {closest:?}?").into(),
        None => "; site.regions lists the regions".into(),
    };
    format!("there is no region {region:?}{hint}")
}
