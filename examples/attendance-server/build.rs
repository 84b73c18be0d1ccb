//! Lists the files of the folder `locales` for the program: a language is added by adding its file.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=locales");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("locales");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder locales is there")
        .map(|entry| entry.expect("the folder locales is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ftl"))
        .collect();
    files.sort();
    let entries: String = files
        .iter()
        .map(|path| {
            let code = path
                .file_stem()
                .expect("a file has a name")
                .to_string_lossy();
            format!("    ({code:?}, include_str!({path:?})),\n")
        })
        .collect();
    let table = format!("&[\n{entries}]\n");
    let output = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("locales.rs");
    fs::write(output, table).expect("the output folder is writable");
}
