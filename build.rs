//! Writes the table of the recipes in images/, which the program carries along: a matrix.yaml elsewhere needs no copy
//! of them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let of = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("no {name}")));
    let images = of("CARGO_MANIFEST_DIR")?.join("images");
    println!("cargo::rerun-if-changed=images");
    let mut files = Vec::new();
    gather(&images, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&images).map_err(io::Error::other)?;
        // Debug writes both as Rust reads them.
        let line =
            format!("    ({:?}, include_bytes!({:?})),\n", name.display().to_string(), file.display().to_string());
        table.push_str(&line);
    }
    table += "]\n";
    fs::write(of("OUT_DIR")?.join("recipes.rs"), table)
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { gather(&entry.path(), files)? } else { files.push(entry.path()) }
    }
    Ok(())
}
