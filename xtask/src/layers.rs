//! The layers of attendance-server: which modules a module may use.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

/// The modules that are above a folder, and so must not be named in its files.
const ABOVE: [(&str, &[&str]); 10] = [
    (
        "db",
        &[
            "access", "api", "commands", "http", "server", "store", "web", "worker",
        ],
    ),
    (
        "recognition",
        &[
            "access", "api", "commands", "db", "http", "server", "store", "web", "worker",
        ],
    ),
    (
        "access",
        &[
            "api", "commands", "http", "server", "store", "web", "worker",
        ],
    ),
    (
        "store",
        &[
            "access", "api", "commands", "http", "server", "web", "worker",
        ],
    ),
    (
        "door",
        &[
            "access", "api", "cameras", "commands", "db", "http", "live", "server", "store", "web",
            "worker",
        ],
    ),
    (
        "commands",
        &["api", "cameras", "http", "live", "server", "web", "worker"],
    ),
    (
        "cameras",
        &["api", "http", "live", "server", "web", "worker"],
    ),
    ("http", &["api", "live", "web", "worker"]),
    ("api", &["live", "web", "worker"]),
    ("live", &["api", "web", "worker"]),
];

/// The file that implements a database engine. No other file names the driver.
const ENGINE: &str = "sqlite.rs";

const SOURCES: &str = "examples/attendance-server/src";

/// Fails where a file of attendance-server names a module above it, or where another file than that of the engine names the
/// database driver.
pub(crate) fn check() -> Result<()> {
    let mut faults = Vec::new();
    let mut files = 0;
    for (folder, above) in ABOVE {
        each(&Path::new(SOURCES).join(folder), &mut |path, text| {
            files += 1;
            faults.extend(
                named(text, above).map(|module| format!("{} uses {module}", path.display())),
            );
        })?;
    }
    each(Path::new(SOURCES), &mut |path, text| {
        if !path.ends_with(ENGINE) && text.contains("rusqlite::") {
            faults.push(format!("{} names the database driver", path.display()));
        }
    })?;
    if files == 0 {
        bail!("{SOURCES} has no files");
    }
    if !faults.is_empty() {
        bail!("the layers of attendance-server: {}", faults.join("; "));
    }
    println!("{files} files of attendance-server use no module above them");
    Ok(())
}

/// The modules of `above` that a text uses, as in `use crate::{api, …}` and `crate::api::…`.
fn named<'a>(text: &str, above: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let mut used: Vec<String> = text
        .split("crate::")
        .skip(1)
        .map(first_names)
        .collect::<Vec<_>>()
        .concat();
    used.sort_unstable();
    above
        .iter()
        .copied()
        .filter(move |module| used.iter().any(|name| name == module))
}

/// The first names of the paths after `crate::`: one, or those of the list in braces.
fn first_names(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        let text = text.trim_start();
        text.chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect()
    };
    let Some(list) = rest.strip_prefix('{') else {
        return vec![word(rest)];
    };
    let mut names = vec![word(list)];
    let mut depth = 0;
    for (index, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(&list[index + 1..])),
            _ => {}
        }
    }
    names
}

fn each(folder: &Path, see: &mut impl FnMut(&Path, &str)) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            each(&path, see)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path, &fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_lists_and_paths() {
        let text = "use crate::{\n    access::{Actor, Role},\n    error::Result,\n    web,\n};\nfn f() { crate::api::api(); }";
        let found: Vec<&str> = named(text, &["api", "commands", "web", "Role"]).collect();
        assert_eq!(found, ["api", "web"]);
        assert_eq!(named("use super::api; // web", &["api", "web"]).count(), 0);
    }
}
