//! `cargo xtask soak NAME`: the long form of tests that `cargo xtask test` runs in a short form.

use anyhow::{Context, Result};

use crate::{browser, clips, suite::Suite};

/// A long run: tests, and the variables that make them long; or a script for the browser.
pub(crate) struct Soak {
    name: &'static str,
    description: &'static str,
    /// The arguments of `cargo test` that choose the tests. A `--` is before several filters.
    tests: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    with: With,
}

/// The other need of a long run.
enum With {
    Nothing,
    /// A script of the browser tests of attendance-server, in place of tests.
    Script(&'static str),
    /// Clips of real people, for the tests.
    Clips,
}

const SOAKS: [Soak; 14] = [
    Soak {
        name: "challenge",
        description: "1,000 simulated heads and attacks of each species, recordings of other challenges, and clips of real heads, which \
                      are downloaded; needs FACEKIT_TEST_DATA",
        tests: &[
            "--lib",
            "--test",
            "challenge",
            "--",
            "in_the_wild",
            "replays::",
        ],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Clips,
    },
    Soak {
        name: "clips",
        description: "clips of real people, which are downloaded: one track each",
        tests: &["--test", "clips"],
        environment: &[],
        with: With::Clips,
    },
    Soak {
        name: "gallery",
        description: "searches beside changes of a gallery, in many more rounds",
        tests: &["--test", "recognizer", "concurrency::"],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Nothing,
    },
    Soak {
        name: "images",
        description: "damaged and random image files, a million of each kind",
        tests: &["--test", "images", "do_not_panic"],
        environment: &[("PROPTEST_CASES", "1000000")],
        with: With::Nothing,
    },
    Soak {
        name: "index",
        description: "the recall of the index with up to a million people and 10,000 probes, and over a million probes together; searches \
                      beside changes, for a minute",
        tests: &["--test", "index", "--test", "index_snapshots"],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Nothing,
    },
    Soak {
        name: "index-loops",
        description: "the loops of the index for each instruction set give the results of the plain ones, on random input",
        tests: &["--lib", "_agree"],
        environment: &[("PROPTEST_CASES", "1000000")],
        with: With::Nothing,
    },
    Soak {
        name: "index-snapshots",
        description: "snapshots of indexes whose content is damaged below the seal: an error, or an index that works",
        tests: &["--lib", "a_damaged_content_is_refused_or_works"],
        environment: &[("PROPTEST_CASES", "10000000")],
        with: With::Nothing,
    },
    Soak {
        name: "rates",
        description: "rates of false matches and extrapolation on people of Labeled Faces in the Wild, with both sets; needs \
                      FACEKIT_TEST_DATA",
        tests: &["--test", "rates"],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Nothing,
    },
    Soak {
        name: "recognizability",
        description: "turned, blurred and small faces of 845 people, with both sets on each runtime; needs FACEKIT_TEST_DATA",
        tests: &["--test", "recognizability"],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Nothing,
    },
    Soak {
        name: "rules",
        description: "properties of attendance rules on random punches and policies, 6,000 cases of each",
        tests: &[
            "--test",
            "properties",
            "--test",
            "worth_properties",
            "--test",
            "hostile",
        ],
        environment: &[("PROPTEST_CASES", "6000")],
        with: With::Nothing,
    },
    Soak {
        name: "server",
        description: "attendance-server is killed 200 times under load, at random moments",
        tests: &["--test", "all", "kills::"],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Nothing,
    },
    Soak {
        name: "stores",
        description: "a process that changes a gallery or a key vault is killed 200 times, before a step of its disk each time",
        tests: &["--lib", "kills::"],
        environment: &[("FACEKIT_SOAK", "1")],
        with: With::Nothing,
    },
    Soak {
        name: "video",
        description: "200 faults of cameras of each kind, 20,000 damaged video files, and tracks in computed videos of people of Labeled Faces \
                      in the Wild; the last need FACEKIT_TEST_DATA",
        tests: &[
            "--test", "http", "--test", "rtsp", "--test", "files", "--test", "video",
        ],
        environment: &[("FACEKIT_SOAK", "1"), ("PROPTEST_CASES", "20000")],
        with: With::Nothing,
    },
    Soak {
        name: "visits",
        description: "enrolled people and strangers at a door through the camera of a browser: marks, refusals and wrong names",
        tests: &[],
        environment: &[],
        with: With::Script("visits.mjs"),
    },
];

/// The long runs, a line each.
pub(crate) fn list() -> String {
    SOAKS
        .iter()
        .map(|soak| format!("  {:<15} {}\n", soak.name, soak.description))
        .collect()
}

/// The long run that is called `name`.
pub(crate) fn find(name: &str) -> Result<&'static Soak> {
    let soak = SOAKS.iter().find(|soak| soak.name == name);
    soak.with_context(|| format!("no soak {name:?}; there are:\n{}", list()))
}

impl Soak {
    /// Runs the tests.
    pub(crate) fn run(&self, suite: &mut Suite) -> Result<()> {
        println!("{}", self.description);
        for (name, value) in self.environment {
            println!("{name}={value}");
        }
        match self.with {
            With::Script(script) => browser::soak(suite, script),
            With::Nothing => suite.run_chosen(self.tests, self.environment),
            With::Clips => {
                let folder = clips::folder()?;
                let folder = folder.to_str().context("the folder of the clips")?;
                suite.run_chosen(self.tests, &[(clips::VARIABLE, folder)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::runner::root;

    /// The sources of an integration test of any crate, each with the name of its file.
    fn sources(name: &str) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let members = [root(), root().join("examples")];
        for member in members
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap())
        {
            let tests = member.unwrap().path().join("tests");
            files.push(tests.join(name).with_extension("rs"));
            if let Ok(folder) = fs::read_dir(tests.join(name)) {
                files.extend(folder.map(|file| file.unwrap().path()));
            }
        }
        let stem = |file: &Path| file.file_stem().unwrap().to_string_lossy().into_owned();
        files
            .into_iter()
            .filter_map(|file| Some((stem(&file), fs::read_to_string(&file).ok()?)))
            .collect()
    }

    /// The sources of the core, each with the name of its file.
    fn sources_of_core(folder: &Path) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(sources_of_core(&path));
            } else {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
        files
    }

    /// A filter is the name of a module, such as `concurrency::`, or a part of names of tests.
    #[test]
    fn each_soak_names_tests_that_exist() {
        for soak in SOAKS {
            if let With::Script(script) = soak.with {
                assert!(root().join(browser::SCRIPTS).join(script).is_file());
                continue;
            }
            let mut sources_of_soak = Vec::new();
            let mut arguments = soak.tests.iter();
            while let Some(argument) = arguments.next() {
                if *argument == "--test" {
                    let name = arguments.next().unwrap();
                    let found = sources(name);
                    assert!(!found.is_empty(), "{}: no test {name}", soak.name);
                    sources_of_soak.extend(found);
                    continue;
                }
                if *argument == "--" {
                    continue;
                }
                if *argument == "--lib" {
                    sources_of_soak.extend(sources_of_core(&root().join("facekit/src")));
                    continue;
                }
                let exists = match argument.strip_suffix("::") {
                    Some(module) => sources_of_soak.iter().any(|(file, _)| file == module),
                    None => sources_of_soak.iter().any(|(_, text)| {
                        let mut functions = text.lines().filter(|line| line.contains("fn "));
                        functions.any(|line| line.contains(argument))
                    }),
                };
                assert!(exists, "{}: no test is named {argument}", soak.name);
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find("rulez").err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(error.starts_with("no soak \"rulez\""), "{error}");
        assert!(SOAKS.iter().all(|soak| error.contains(soak.name)));
        assert_eq!(find("rules").unwrap().name, "rules");
    }
}
