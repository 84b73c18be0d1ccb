//! The places where the library of ONNX Runtime may be.

use std::{
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{self, Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The environment variable that names the library. ort reads it too.
pub(crate) const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The names under which the system's loader may find it.
const NAMES: &[&str] = if cfg!(target_os = "windows") {
    &["onnxruntime.dll"]
} else if cfg!(target_vendor = "apple") {
    &["libonnxruntime.dylib", "libonnxruntime.1.dylib"]
} else {
    &["libonnxruntime.so", "libonnxruntime.so.1"]
};

const PYTHON: &str = if cfg!(target_os = "windows") {
    "python"
} else {
    "python3"
};

/// How long Python may take.
const PYTHON_TIMEOUT: Duration = Duration::from_secs(10);

/// Prints the folder of the package. It runs no code of the package, and ignores a package in the current folder.
const FIND_PACKAGE: &str = "\
import sys
sys.path = [folder for folder in sys.path if folder]
import importlib.util
package = importlib.util.find_spec('onnxruntime')
print(package.submodule_search_locations[0] if package else '')
";

/// A place to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file or a name that the user gave, and the way it was given. No other place is searched.
    Given { how: &'static str, path: PathBuf },
    /// The program's folder, and the system's loader.
    Loader,
    /// A Python environment that an environment variable names as the active one.
    Environment {
        variable: &'static str,
        folder: PathBuf,
    },
    /// The package that `python3` imports.
    Python,
}

/// The places to search, in this order. If the user named the library, there is no other place.
pub(crate) fn search_locations(
    option: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<Location> {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(path) = option {
        return vec![Location::Given {
            how: "the option",
            path: path.to_owned(),
        }];
    }
    if let Some(path) = variable(LIBRARY_VARIABLE) {
        return vec![Location::Given {
            how: LIBRARY_VARIABLE,
            path: path.into(),
        }];
    }
    let mut locations = vec![Location::Loader];
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        locations.extend(variable(name).map(|folder| Location::Environment {
            variable: name,
            folder: folder.into(),
        }));
    }
    locations.push(Location::Python);
    locations
}

impl Location {
    /// The files to try, and the names to try with the system's loader.
    ///
    /// # Errors
    ///
    /// The reason if there are none.
    pub(crate) fn candidates(&self) -> Result<Vec<PathBuf>, String> {
        match self {
            // A file in the current folder; otherwise the system's loader looks for a bare name.
            Self::Given { path, .. } if path.exists() => {
                let path = path::absolute(path).map_err(|error| error.to_string())?;
                Ok(vec![path])
            }
            Self::Given { path, .. } => Ok(vec![path.clone()]),
            Self::Loader => {
                let program = env::current_exe().ok();
                let beside = program.as_deref().and_then(Path::parent);
                let beside = NAMES.iter().filter_map(|name| Some(beside?.join(name)));
                let names = NAMES.iter().map(PathBuf::from);
                Ok(beside.filter(|path| path.exists()).chain(names).collect())
            }
            Self::Environment { folder, .. } => in_environment(folder),
            Self::Python => in_package(&package_of_python(PYTHON)?),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given { how, .. } => f.write_str(how),
            Self::Loader => f.write_str("the system's loader"),
            Self::Environment { variable, folder } => write!(f, "{variable} {}", folder.display()),
            Self::Python => write!(f, "the packages of {PYTHON}"),
        }
    }
}

/// The libraries in the package `onnxruntime` of a Python environment.
fn in_environment(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut packages = vec![folder.join("Lib").join("site-packages")];
    for entry in fs::read_dir(folder.join("lib")).into_iter().flatten() {
        packages.extend(entry.map(|entry| entry.path().join("site-packages")));
    }
    let package = packages
        .into_iter()
        .map(|packages| packages.join("onnxruntime"))
        .find(|package| package.is_dir());
    in_package(&package.ok_or("it has no package onnxruntime")?)
}

/// The libraries in the folder of the package `onnxruntime`. The published package has one.
fn in_package(package: &Path) -> Result<Vec<PathBuf>, String> {
    let folder = package.join("capi");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut libraries: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            is_library(&name)
        })
        .collect();
    libraries.sort();
    if libraries.is_empty() {
        return Err(format!("{}: no library", folder.display()));
    }
    Ok(libraries)
}

/// True if a file of this name is the library, of any version, and not the library of a provider.
fn is_library(name: &str) -> bool {
    name == "onnxruntime.dll"
        || name == "libonnxruntime.so"
        || name.starts_with("libonnxruntime.so.")
        || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
}

/// The folder that `python` imports the package `onnxruntime` from.
fn package_of_python(python: &str) -> Result<PathBuf, String> {
    let mut child = Command::new(python)
        .args(["-c", FIND_PACKAGE])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it does not run: {error}"))?;
    if !wait(&mut child).map_err(|error| error.to_string())? {
        // An error here means that it has just ended.
        let _ = child.kill().and_then(|()| child.wait().map(drop));
        return Err(format!(
            "it did not answer within {} s",
            PYTHON_TIMEOUT.as_secs()
        ));
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.lines().last().unwrap_or_default();
        return Err(format!("it ended with {}: {message}", output.status));
    }
    let folder = String::from_utf8_lossy(&output.stdout);
    match folder.trim() {
        "" => Err("there is no package onnxruntime".to_owned()),
        folder => Ok(folder.into()),
    }
}

/// Waits for the program. Returns false if it does not end in time. Its output fits into a pipe, so it cannot block on writing.
fn wait(child: &mut Child) -> io::Result<bool> {
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > PYTHON_TIMEOUT {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| {
            let variable = variables.iter().find(|variable| variable.0 == name);
            variable.map(|variable| variable.1.into())
        }
    }

    #[test]
    fn a_named_library_is_the_only_place() {
        let variables = with(&[(LIBRARY_VARIABLE, "/b.so"), ("VIRTUAL_ENV", "/venv")]);
        let given = |how, path: &str| {
            vec![Location::Given {
                how,
                path: path.into(),
            }]
        };
        let option = search_locations(Some(Path::new("/a.so")), &variables);
        assert_eq!(option, given("the option", "/a.so"));
        assert_eq!(
            search_locations(None, &variables),
            given(LIBRARY_VARIABLE, "/b.so")
        );
    }

    #[test]
    fn the_loader_precedes_python() {
        let environment = |variable, folder: &str| Location::Environment {
            variable,
            folder: folder.into(),
        };
        let variables = with(&[
            (LIBRARY_VARIABLE, ""),
            ("CONDA_PREFIX", "/c"),
            ("VIRTUAL_ENV", "/v"),
        ]);
        let expected = [
            Location::Loader,
            environment("VIRTUAL_ENV", "/v"),
            environment("CONDA_PREFIX", "/c"),
            Location::Python,
        ];
        assert_eq!(search_locations(None, variables), expected);
        assert_eq!(
            search_locations(None, |_| None),
            [Location::Loader, Location::Python]
        );
    }

    #[test]
    fn the_package_of_an_environment_is_found() {
        for packages in ["lib/python3.13/site-packages", "Lib/site-packages"] {
            let folder = tempfile::tempdir().unwrap();
            let capi = folder.path().join(packages).join("onnxruntime/capi");
            fs::create_dir_all(&capi).unwrap();
            let error = in_environment(folder.path()).unwrap_err();
            assert!(error.ends_with("no library"), "{error}");
            for name in [
                "libonnxruntime.so.1.31.1",
                "libonnxruntime_providers_shared.so",
                "x.py",
            ] {
                fs::write(capi.join(name), "").unwrap();
            }
            let found = in_environment(folder.path()).unwrap();
            assert_eq!(found, [capi.join("libonnxruntime.so.1.31.1")]);
        }
    }

    #[test]
    fn libraries_of_providers_are_not_the_library() {
        for name in [
            "onnxruntime.dll",
            "libonnxruntime.so",
            "libonnxruntime.so.1.24.0",
            "libonnxruntime.1.31.1.dylib",
        ] {
            assert!(is_library(name), "{name}");
        }
        for name in [
            "onnxruntime_providers_shared.dll",
            "libonnxruntime_providers_cuda.so",
            "onnxruntime_pybind11_state.so",
        ] {
            assert!(!is_library(name), "{name}");
        }
    }

    #[test]
    fn a_missing_python_is_an_error() {
        let error = package_of_python("a-missing-python").unwrap_err();
        assert!(error.starts_with("it does not run"), "{error}");
    }
}
