//! Images from the user's own files: a Dockerfile, or package files.

use std::sync::Arc;

use super::steps::{Steps, arguments};
use super::tag::{self, Inputs};
use super::{Recipe, SelectionError, Work};
use crate::config::matrix::{
    Dockerfile, LocalFiles, LocalPackages, Matrix, MatrixCell, SourceKind, declared_args, name_in_context,
};

/// What makes an image of the user's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalRecipe {
    /// The user's own Dockerfile.
    Dockerfile(Dockerfile),
    /// Our recipe that installs package files.
    Packages,
}

impl LocalRecipe {
    /// The path of the Containerfile within the context of the build.
    pub fn path(&self) -> String {
        match self {
            Self::Dockerfile(it) => name_in_context(&it.path, &it.context),
            Self::Packages => Recipe::Local.path(),
        }
    }

    /// The kind of image that it makes, for the tag `atsmatrix/KIND:DIGEST`.
    fn kind(&self) -> &'static str {
        match self {
            Self::Dockerfile(_) => "dockerfile",
            Self::Packages => Recipe::Local.kind(),
        }
    }
}

impl Steps<'_> {
    /// Adds the step of a cell that is made from the user's own files and returns the tag of its image.
    pub(super) fn add_local(&mut self, cell: &MatrixCell<'_>, recipe: LocalRecipe) -> Result<String, SelectionError> {
        let name = cell.id().to_string();
        let files = self.matrix.local_files(&cell.source.kind).map(Arc::clone);
        let files = files.ok_or_else(|| SelectionError(format!("{name}: its own files have not been read")))?;
        let base = self.add_base(cell.distro);
        let mut args = arguments(cell.distro, cell.source);
        let mut inputs = Inputs::new(recipe.kind()).with("files", files.digest().as_bytes());
        match &recipe {
            LocalRecipe::Dockerfile(it) => {
                let declared = declared_args(&files.text(&recipe.path()));
                // The distro's are for the recipes of its family; `fit` has checked the source's own.
                args.retain(|name, _| declared.contains(name));
                args.insert(it.base_arg.clone(), base.clone());
                inputs = inputs.with("dockerfile", recipe.path().as_bytes());
            }
            LocalRecipe::Packages => {
                args.insert("BASE".into(), base.clone());
                args.insert("FAMILY".into(), cell.distro.family.clone());
                let checked = tag::check_arguments(self.recipes, &recipe.path(), &args);
                checked.map_err(|error| SelectionError(format!("{name}: {error}")))?;
                for (file, bytes) in tag::files(self.recipes, &recipe.path(), &args) {
                    inputs = inputs.with(file, bytes);
                }
            }
        }
        for (argument, value) in &mut args {
            *value = self.matrix.mirrors.urls(value);
            inputs = inputs.with(argument, value.as_bytes());
        }
        let tag = inputs.tag(recipe.kind());
        Ok(self.add(&name, tag, vec![base], Work::Local { recipe, files, args }))
    }
}

/// The configuration of the user's own under which `cell` runs.
pub(super) fn config(matrix: &Matrix, cell: &MatrixCell<'_>) -> Result<Option<Arc<LocalFiles>>, SelectionError> {
    let Some(folder) = cell.ats.config(cell.source) else { return Ok(None) };
    match matrix.config_files(folder) {
        Some(files) => Ok(Some(Arc::clone(files))),
        None => Err(SelectionError(format!("{}: its configuration {folder} has not been read", cell.id()))),
    }
}

/// The build arguments that the Dockerfile of `kind` declares; empty for other sources.
pub(super) fn declared_by(files: Option<&Arc<LocalFiles>>, kind: &SourceKind) -> Vec<String> {
    match (files, kind) {
        (Some(files), SourceKind::Dockerfile(it)) => {
            declared_args(&files.text(&name_in_context(&it.path, &it.context)))
        }
        _ => Vec::new(),
    }
}

/// Where the ATS of package files comes from, in words.
pub(super) fn describe(packages: &LocalPackages) -> String {
    format!("package files {}", packages.files.join(", "))
}
