//! Runs the command in a temporary folder.

#![allow(dead_code, reason = "each test binary uses some of it")]

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use facekit::{FileStore, Person, PersonId, Protection, TemplateStore};
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder, and the environment variables of the command.
pub(crate) struct Place {
    folder: TempDir,
    variables: Vec<(&'static str, PathBuf)>,
}

impl Place {
    /// An empty folder, and a models folder `models` in it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        fs::create_dir(&models).unwrap();
        Self {
            folder,
            variables: vec![("FACEKIT_MODELS", models)],
        }
    }

    pub(crate) fn set(&mut self, variable: &'static str, value: impl Into<PathBuf>) {
        self.variables.retain(|(name, _)| *name != variable);
        self.variables.push((variable, value.into()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// An unprotected gallery of people without templates.
    pub(crate) fn gallery(&self, name: &str, people: &[&str]) -> PathBuf {
        let path = self.path(name);
        let store = FileStore::create(&path, &Protection::None).unwrap();
        for id in people {
            let id = PersonId::new(*id).unwrap();
            let person = Person::new(id, jiff::Timestamp::UNIX_EPOCH);
            store.put(&person, &[]).unwrap();
        }
        path
    }

    pub(crate) fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_facekit"));
        command.current_dir(self.folder.path()).args(arguments);
        for variable in [
            "FACEKIT_GALLERY_KEY",
            "FACEKIT_KEY_FILE",
            "FACEKIT_MIRROR",
            "FACEKIT_MODELS",
            "FACEKIT_SELECTION",
        ] {
            command.env_remove(variable);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a line of words.
    pub(crate) fn line(&self, line: &str) -> Ran {
        self.run(line.split_whitespace())
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Asserts an error with these words, and nothing on standard output.
    #[track_caller]
    pub(crate) fn fails(self, words: &[&str]) -> Self {
        assert_eq!((self.code, &*self.stdout), (2, ""), "{self:#?}");
        for words in words {
            assert!(self.stderr.contains(words), "{words:?} in {self:#?}");
        }
        self
    }

    /// Asserts these words on standard output.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for words in words {
            assert!(self.stdout.contains(words), "{words:?} in {self:#?}");
        }
        self
    }
}

/// The images of a person in Labeled Faces in the Wild.
pub(crate) fn lfw(data: &Path, person: &str, number: usize) -> PathBuf {
    let file = format!("{person}_{number:04}.jpg");
    data.join("data/lfw/images").join(person).join(file)
}
