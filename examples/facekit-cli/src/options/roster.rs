//! The people to whom a search is limited.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use facekit::PersonId;

/// The people of a file or a list.
pub(crate) fn roster(text: &str) -> Result<Vec<PersonId>> {
    let path = Path::new(text);
    let ids: Vec<String> = if path.is_file() {
        let text = fs::read_to_string(path)
            .with_context(|| format!("roster {}: reading failed", path.display()))?;
        text.lines().map(str::to_owned).collect()
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    let people = ids
        .iter()
        .map(|id| id.trim())
        .filter(|id| !id.is_empty())
        .map(PersonId::new)
        .collect::<facekit::Result<Vec<_>>>()
        .with_context(|| format!("roster {text:?}: neither a file nor a list of ids"))?;
    if people.is_empty() {
        bail!("roster {text:?}: names nobody");
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rosters() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roster.txt");
        fs::write(&file, "anna\n\nbert weiss\r\n").unwrap();
        let ids = |text: &str| roster(text).map(|people| people.len());
        assert_eq!(ids(file.to_str().unwrap()).unwrap(), 2);
        assert_eq!(ids("anna, bert").unwrap(), 2);
        assert!(ids(",").is_err());
        let error = roster("no/such/file").unwrap_err().to_string();
        assert_eq!(
            error,
            "roster \"no/such/file\": neither a file nor a list of ids"
        );
    }
}
