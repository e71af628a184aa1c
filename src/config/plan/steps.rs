//! The image steps of cells and origins.

use std::collections::BTreeMap;

use super::tag::{self, Inputs};
use super::{Bootstrapper, BuildStep, BuildSystem, LocalRecipe, Recipe, Recipes, SelectionError, Work, local};
use crate::config::matrix::{
    Ats, Bootstrap, Distro, Matrix, MatrixCell, Mirrors, Patch, Proof, Source, SourceKind, Tarball,
};
use crate::model::{DistroId, Place};

/// Where our own recipes install `traffic_server`.
const INSTALLED: &str = "/opt/ats/bin/traffic_server";

/// Build arguments, by name.
type Arguments = BTreeMap<String, String>;

/// The steps planned so far, each once.
pub(super) struct Steps<'a> {
    pub(super) matrix: &'a Matrix,
    pub(super) recipes: &'a Recipes,
    planned: Vec<BuildStep>,
    bootstrapper: Bootstrapper,
}

impl<'a> Steps<'a> {
    pub(super) fn new(matrix: &'a Matrix, recipes: &'a Recipes) -> Result<Self, SelectionError> {
        Ok(Self { matrix, recipes, planned: Vec::new(), bootstrapper: Bootstrapper::of(matrix, recipes)? })
    }

    /// Continues a list of steps.
    pub(super) fn with(self, steps: Vec<BuildStep>) -> Self {
        Self { planned: steps, ..self }
    }

    pub(super) fn into_parts(self) -> (Vec<BuildStep>, Bootstrapper) {
        (self.planned, self.bootstrapper)
    }

    /// Adds the steps of a cell and returns the tag of its image.
    pub(super) fn add_cell(&mut self, cell: &MatrixCell<'_>) -> Result<String, SelectionError> {
        let (distro, ats, source) = (cell.distro, cell.ats, cell.source);
        let name = cell.id().to_string();
        match &source.kind {
            SourceKind::Image(image) => {
                let reference = self.matrix.mirrors.image(&image.reference);
                let work = Work::Ready { reference: reference.clone() };
                Ok(self.add(&name, reference, Vec::new(), work))
            }
            SourceKind::Package(package) => {
                let base = self.add_base(distro);
                let mut args = arguments(distro, source);
                args.insert("BASE".into(), base.clone());
                args.insert("PACKAGE".into(), package.name.clone());
                args.insert("VERSION".into(), package.version.clone());
                self.add_recipe(&name, Recipe::Package(distro.family.clone()), args, vec![base])
            }
            SourceKind::Dockerfile(it) => self.add_local(cell, LocalRecipe::Dockerfile(it.clone())),
            SourceKind::Local(_) => self.add_local(cell, LocalRecipe::Packages),
            SourceKind::Tarball(_) | SourceKind::Rebuild(_) | SourceKind::BuildOn(_) => {
                let build = self.add_build(distro, ats, source)?;
                let base = self.add_base(distro);
                let mut args = arguments(distro, source);
                args.insert("BASE".into(), base.clone());
                args.insert("BUILD".into(), build.clone());
                args.insert("FAMILY".into(), distro.family.clone());
                self.add_recipe(&name, Recipe::Runtime, args, vec![build, base])
            }
            SourceKind::Upgrade(from) => self.add_upgrade(cell, from),
            SourceKind::Tiers(_) => Err(SelectionError(format!("{name} has no image of its own"))),
        }
    }

    /// Adds the steps of a cell on the row `from` and the upgrade of its image.
    fn add_upgrade(&mut self, cell: &MatrixCell<'_>, from: &DistroId) -> Result<String, SelectionError> {
        let name = cell.id().to_string();
        let Some(before) = self.matrix.before_upgrade(cell, from) else {
            return Err(SelectionError(format!("{name}: {} has no source on {from}", cell.ats.id)));
        };
        let image = self.add_cell(&before)?;
        let distro = cell.distro;
        let mut args = distro_arguments(distro);
        args.insert("BASE".into(), image.clone());
        args.insert("FAMILY".into(), distro.family.clone());
        // Releases of dnf need no sources: the family's recipe gives it the number.
        let sources = match &distro.bootstrap {
            Some(Bootstrap::Suite(suite)) => suite.sources.join(";"),
            Some(Bootstrap::Release(_)) | None => String::new(),
        };
        args.insert("SOURCES".into(), sources);
        args.insert("BINARY".into(), binary(self.matrix, cell).unwrap_or_default());
        let version = distro.os.as_ref().and_then(|os| os.version.clone());
        args.extend(version.map(|version| ("RELEASE".to_owned(), version)));
        self.add_recipe(&name, Recipe::Upgrade, args, vec![image])
    }

    /// Adds the steps of the origin at `place` and returns the tag of its image; `None` if the matrix does not have it.
    pub(super) fn add_origin(&mut self, place: Place) -> Result<Option<String>, SelectionError> {
        let distro = self.matrix.origins.get(&place).and_then(|on| self.matrix.distro(on));
        let Some((distro, program)) = distro.zip(place.program()) else {
            return Ok(None);
        };
        let base = self.add_base(distro);
        let mut args = distro_arguments(distro);
        args.insert("BASE".into(), base.clone());
        args.insert("FAMILY".into(), distro.family.clone());
        self.add_recipe(&format!("{program} (origin)"), Recipe::Origin(program), args, vec![base]).map(Some)
    }

    pub(super) fn add_base(&mut self, distro: &Distro) -> String {
        let work = Work::Base { image: distro.image.clone(), bootstrap: distro.bootstrap.clone() };
        let work = mirrored(work, &self.matrix.mirrors);
        let tag = self.bootstrapper.tag(&work);
        self.add(&format!("{} (base)", distro.id), tag, Vec::new(), work)
    }

    /// Adds the step that compiles `ats` and returns the tag of the image with the build tree.
    fn add_build(&mut self, distro: &Distro, ats: &Ats, source: &Source) -> Result<String, SelectionError> {
        let name = format!("{}/{} (build)", distro.id, ats.id);
        match &source.kind {
            SourceKind::BuildOn(on) => {
                let elsewhere = self.matrix.distro(on).zip(ats.source(on));
                let Some((distro, source)) = elsewhere.filter(|(_, source)| source.kind.compiles()) else {
                    return Err(SelectionError(format!("{} is not compiled on {on}", ats.id)));
                };
                self.add_build(distro, ats, source)
            }
            SourceKind::Tarball(tarball) => {
                let base = self.add_base(distro);
                let mut args = arguments(distro, source);
                args.insert("BASE".into(), base.clone());
                args.insert("FAMILY".into(), distro.family.clone());
                args.extend(tarball_arguments(tarball));
                self.add_recipe(&name, Recipe::Build(BuildSystem::of(&ats.version)), args, vec![base])
            }
            SourceKind::Rebuild(rebuild) => {
                let of = self.matrix.ats(&rebuild.of).and_then(|of| Some((of, of.source(&distro.id)?)));
                let Some((of, of_source)) = of.filter(|(_, source)| source.kind.compiles()) else {
                    return Err(SelectionError(format!("{} is not compiled on {}", rebuild.of, distro.id)));
                };
                let parent = self.add_build(distro, of, of_source)?;
                let mut args = arguments(distro, source);
                args.insert("BUILD".into(), parent.clone());
                args.insert("FAMILY".into(), distro.family.clone());
                args.insert("PATCHES".into(), patch_lines(&rebuild.patches));
                self.add_recipe(&name, Recipe::Rebuild(BuildSystem::of(&of.version)), args, vec![parent])
            }
            SourceKind::Package(_)
            | SourceKind::Image(_)
            | SourceKind::Dockerfile(_)
            | SourceKind::Local(_)
            | SourceKind::Upgrade(_)
            | SourceKind::Tiers(_) => Err(SelectionError(format!("{} is not compiled on {}", ats.id, distro.id))),
        }
    }

    fn add_recipe(
        &mut self,
        name: &str,
        recipe: Recipe,
        args: Arguments,
        parents: Vec<String>,
    ) -> Result<String, SelectionError> {
        let BuildStep { name, tag, parents, work } =
            step(self.recipes, name, recipe, args, parents, &self.matrix.mirrors)?;
        Ok(self.add(&name, tag, parents, work))
    }

    pub(super) fn add(&mut self, name: &str, tag: String, parents: Vec<String>, work: Work) -> String {
        if !self.planned.iter().any(|step| step.tag == tag) {
            self.planned.push(BuildStep { name: name.to_owned(), tag: tag.clone(), parents, work });
        }
        tag
    }
}

/// Replaces the addresses of a base image by mirrors.
pub(super) fn mirrored(work: Work, mirrors: &Mirrors) -> Work {
    let Work::Base { image, bootstrap } = work else { return work };
    let image = image.map(|image| mirrors.image(&image));
    let bootstrap = bootstrap.map(|it| it.with_addresses(|line| mirrors.urls(line)));
    Work::Base { image, bootstrap }
}

/// The step that builds `recipe`.
pub(super) fn step(
    recipes: &Recipes,
    name: &str,
    recipe: Recipe,
    mut args: Arguments,
    parents: Vec<String>,
    mirrors: &Mirrors,
) -> Result<BuildStep, SelectionError> {
    for value in args.values_mut() {
        *value = mirrors.urls(value);
    }
    let containerfile = recipe.path();
    tag::check_arguments(recipes, &containerfile, &args).map_err(|error| SelectionError(format!("{name}: {error}")))?;
    let mut inputs = Inputs::new(recipe.kind());
    for (file, bytes) in tag::files(recipes, &containerfile, &args) {
        inputs = inputs.with(file, bytes);
    }
    for (argument, value) in &args {
        inputs = inputs.with(argument, value.as_bytes());
    }
    let tag = inputs.tag(recipe.kind());
    Ok(BuildStep { name: name.to_owned(), tag, parents, work: Work::Recipe { recipe, args } })
}

/// Arguments of the distro, overridden by those of the source.
pub(super) fn arguments(distro: &Distro, source: &Source) -> Arguments {
    let mut args = distro_arguments(distro);
    args.extend(source.args.clone());
    args
}

fn distro_arguments(distro: &Distro) -> Arguments {
    let mut args = distro.args.clone();
    if matches!(&distro.bootstrap, Some(Bootstrap::Suite(suite)) if !suite.check_valid_until) {
        args.insert("APT_CHECK_VALID_UNTIL".into(), "false".into());
    }
    args
}

fn tarball_arguments(tarball: &Tarball) -> Arguments {
    let mut args = BTreeMap::from([
        ("URLS".to_owned(), tarball.urls.join(" ")),
        ("CONFIGURE".to_owned(), tarball.configure.clone()),
        ("PATCHES".to_owned(), patch_lines(&tarball.patches)),
    ]);
    match &tarball.proof {
        Proof::Sha256(hex) => drop(args.insert("SHA256".into(), hex.clone())),
        Proof::Sha512Url(url) => drop(args.insert("SHA512_URL".into(), url.clone())),
        Proof::Signature { url, keys_url } => {
            args.insert("SIGNATURE_URL".into(), url.clone());
            args.insert("KEYS_URL".into(), keys_url.clone());
        }
    }
    args
}

/// The argument `PATCHES`, in the format that images/README.md describes.
fn patch_lines(patches: &[Patch]) -> String {
    let line = |patch: &Patch| {
        let urls = patch.urls.iter().map(|url| format!("url={url}"));
        let hash = std::iter::once(format!("sha256={}", patch.sha256));
        let file = patch.file.iter().map(|file| format!("file={file}"));
        let only = patch.only.iter().map(|glob| format!("only={glob}"));
        urls.chain(hash).chain(file).chain(only).collect::<Vec<_>>().join(" ")
    };
    patches.iter().map(line).collect::<Vec<_>>().join(";")
}

/// Where a cell's ATS comes from, in words.
pub(super) fn describe(cell: &MatrixCell<'_>) -> String {
    match &cell.source.kind {
        SourceKind::Tarball(_) => "built here from a release tarball".into(),
        SourceKind::Rebuild(rebuild) => format!("{} with further patches", rebuild.of),
        SourceKind::BuildOn(on) => format!("built on {on}, moved here"),
        SourceKind::Package(package) => format!("package {} {}", package.name, package.version),
        SourceKind::Image(image) => format!("image {}", image.reference),
        SourceKind::Dockerfile(it) => format!("built here by {}", it.path),
        SourceKind::Local(it) => local::describe(it),
        SourceKind::Upgrade(from) => format!("{from}/{} upgraded in place", cell.ats.id),
        SourceKind::Tiers(pair) => format!("{} over {}", pair.child, pair.parent),
    }
}

/// The path of `traffic_server` as matrix.yaml or our own recipes define it.
pub(super) fn binary(matrix: &Matrix, cell: &MatrixCell<'_>) -> Option<String> {
    match &cell.source.kind {
        SourceKind::Image(image) => image.binary.clone(),
        SourceKind::Dockerfile(it) => it.binary.clone(),
        SourceKind::Local(it) => it.binary.clone(),
        SourceKind::Upgrade(from) => binary(matrix, &matrix.before_upgrade(cell, from)?),
        SourceKind::Package(_) | SourceKind::Tiers(_) => None,
        SourceKind::Tarball(_) | SourceKind::Rebuild(_) | SourceKind::BuildOn(_) => Some(INSTALLED.to_owned()),
    }
}
