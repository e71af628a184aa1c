//! Where an ATS comes from, as image steps.

use std::collections::BTreeMap;

use super::tag::{self, Inputs};
use super::{Bootstrapper, Recipes, SelectionError, Step, Work};
use crate::config::matrix::{
    Ats, Bootstrap, Distro, Matrix, MatrixCell, Mirrors, Patch, Proof, Source, SourceKind, Tarball,
};
use crate::model::Place;

/// Steps collected so far, each once.
pub(super) struct Book<'a> {
    matrix: &'a Matrix,
    recipes: &'a Recipes,
    steps: Vec<Step>,
    bootstrapper: Bootstrapper,
}

type Planned<T> = Result<T, SelectionError>;

impl<'a> Book<'a> {
    pub(super) fn new(matrix: &'a Matrix, recipes: &'a Recipes) -> Planned<Self> {
        Ok(Self { matrix, recipes, steps: Vec::new(), bootstrapper: Bootstrapper::of(matrix, recipes)? })
    }

    /// With `steps` collected before.
    pub(super) fn with(self, steps: Vec<Step>) -> Self {
        Self { steps, ..self }
    }

    pub(super) fn into_steps(self) -> (Vec<Step>, Bootstrapper) {
        (self.steps, self.bootstrapper)
    }

    /// The steps of a cell, and its image's tag.
    pub(super) fn cell(&mut self, cell: &MatrixCell<'_>) -> Planned<String> {
        let (distro, ats, source) = (cell.distro, cell.ats, cell.source);
        match &source.kind {
            SourceKind::Image(image) => {
                let reference = self.matrix.mirrors.image(&image.reference);
                let work = Work::Ready { reference: reference.clone() };
                Ok(self.add(&cell.id().to_string(), reference, Vec::new(), work))
            }
            SourceKind::Package(package) => {
                let base = self.base(distro);
                let mut args = arguments(distro, source);
                args.insert("BASE".into(), base.clone());
                args.insert("PACKAGE".into(), package.name.clone());
                args.insert("VERSION".into(), package.version.clone());
                let containerfile = format!("{}/Containerfile", distro.family);
                let name = cell.id().to_string();
                self.recipe(&name, "package", &containerfile, args, vec![base])
            }
            SourceKind::Tarball(_) | SourceKind::Rebuild(_) | SourceKind::BuildOn(_) => {
                let build = self.build(distro, ats, source)?;
                let base = self.base(distro);
                let mut args = arguments(distro, source);
                args.insert("BASE".into(), base.clone());
                args.insert("BUILD".into(), build.clone());
                args.insert("FAMILY".into(), distro.family.clone());
                let name = cell.id().to_string();
                let containerfile = "tarball/runtime.Containerfile";
                self.recipe(&name, "runtime", containerfile, args, vec![build, base])
            }
        }
    }

    /// The image of the origin at `place`, if the matrix has one.
    pub(super) fn origin(&mut self, place: Place) -> Planned<Option<String>> {
        let distro = self.matrix.origins.get(&place).and_then(|on| self.matrix.distro(on));
        let Some((distro, program)) = distro.zip(place.program()) else {
            return Ok(None);
        };
        let base = self.base(distro);
        let mut args = distro_arguments(distro);
        args.insert("BASE".into(), base.clone());
        args.insert("FAMILY".into(), distro.family.clone());
        let containerfile = format!("{program}/Containerfile");
        self.recipe(&format!("{program} (origin)"), program, &containerfile, args, vec![base]).map(Some)
    }

    fn base(&mut self, distro: &Distro) -> String {
        let work = Work::Base { image: distro.image.clone(), bootstrap: distro.bootstrap.clone() };
        let work = mirrored(work, &self.matrix.mirrors);
        let tag = self.bootstrapper.tag(&work);
        self.add(&format!("{} (base)", distro.id), tag, Vec::new(), work)
    }

    /// The image with a compiled tree of `ats`.
    fn build(&mut self, distro: &Distro, ats: &Ats, source: &Source) -> Planned<String> {
        match &source.kind {
            SourceKind::BuildOn(on) => {
                let elsewhere = self.matrix.distro(on).zip(ats.source(on));
                let Some((distro, source)) = elsewhere.filter(|(_, source)| source.kind.compiles()) else {
                    return Err(SelectionError(format!("{on} does not build {}", ats.id)));
                };
                self.build(distro, ats, source)
            }
            SourceKind::Tarball(tarball) => {
                let base = self.base(distro);
                let mut args = arguments(distro, source);
                args.insert("BASE".into(), base.clone());
                args.insert("FAMILY".into(), distro.family.clone());
                args.extend(tarball_arguments(tarball));
                let name = format!("{}/{} (build)", distro.id, ats.id);
                self.recipe(&name, "build", "tarball/build.Containerfile", args, vec![base])
            }
            SourceKind::Rebuild(rebuild) => {
                let of = self.matrix.ats(&rebuild.of).and_then(|of| Some((of, of.source(&distro.id)?)));
                let Some((of, of_source)) = of.filter(|(_, source)| source.kind.compiles()) else {
                    return Err(SelectionError(format!("{} does not build {}", distro.id, rebuild.of)));
                };
                let parent = self.build(distro, of, of_source)?;
                let mut args = arguments(distro, source);
                args.insert("BUILD".into(), parent.clone());
                args.insert("FAMILY".into(), distro.family.clone());
                args.insert("PATCHES".into(), patch_lines(&rebuild.patches));
                let name = format!("{}/{} (build)", distro.id, ats.id);
                self.recipe(&name, "build", "tarball/rebuild.Containerfile", args, vec![parent])
            }
            SourceKind::Package(_) | SourceKind::Image(_) => {
                Err(SelectionError(format!("{} of {} is not compiled", ats.id, distro.id)))
            }
        }
    }

    fn recipe(
        &mut self,
        name: &str,
        kind: &str,
        containerfile: &str,
        args: BTreeMap<String, String>,
        parents: Vec<String>,
    ) -> Planned<String> {
        let mirrors = &self.matrix.mirrors;
        let Step { name, tag, parents, work } = step(self.recipes, name, kind, containerfile, args, parents, mirrors)?;
        Ok(self.add(&name, tag, parents, work))
    }

    fn add(&mut self, name: &str, tag: String, parents: Vec<String>, work: Work) -> String {
        if !self.steps.iter().any(|step| step.tag == tag) {
            self.steps.push(Step { name: name.to_owned(), tag: tag.clone(), parents, work });
        }
        tag
    }
}

/// A base as it is to be had by the mirrors at hand.
pub(super) fn mirrored(work: Work, mirrors: &Mirrors) -> Work {
    let Work::Base { image, bootstrap } = work else { return work };
    let image = image.map(|image| mirrors.image(&image));
    let bootstrap = bootstrap.map(|it| Bootstrap {
        sources: it.sources.iter().map(|line| mirrors.urls(line)).collect(),
        archive: it.archive.iter().map(|line| mirrors.urls(line)).collect(),
        ..it
    });
    Work::Base { image, bootstrap }
}

/// The step that runs a recipe.
pub(super) fn step(
    recipes: &Recipes,
    name: &str,
    kind: &str,
    containerfile: &str,
    mut args: BTreeMap<String, String>,
    parents: Vec<String>,
    mirrors: &Mirrors,
) -> Planned<Step> {
    for value in args.values_mut() {
        *value = mirrors.urls(value);
    }
    tag::check_arguments(recipes, containerfile, &args).map_err(|error| SelectionError(format!("{name}: {error}")))?;
    let mut inputs = Inputs::new(kind);
    for (file, bytes) in tag::files(recipes, containerfile, &args) {
        inputs = inputs.with(file, bytes);
    }
    for (argument, value) in &args {
        inputs = inputs.with(argument, value.as_bytes());
    }
    let work = Work::Recipe { containerfile: containerfile.to_owned(), args };
    Ok(Step { name: name.to_owned(), tag: inputs.tag(kind), parents, work })
}

/// Arguments of the distro, with those of the source over them.
fn arguments(distro: &Distro, source: &Source) -> BTreeMap<String, String> {
    let mut args = distro_arguments(distro);
    args.extend(source.args.clone());
    args
}

fn distro_arguments(distro: &Distro) -> BTreeMap<String, String> {
    let mut args = distro.args.clone();
    if distro.bootstrap.as_ref().is_some_and(|bootstrap| !bootstrap.check_valid_until) {
        args.insert("APT_CHECK_VALID_UNTIL".into(), "false".into());
    }
    args
}

fn tarball_arguments(tarball: &Tarball) -> BTreeMap<String, String> {
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

/// One patch a line, as images/README.md writes them.
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

/// Where a cell's ATS comes from, for people.
pub(super) fn describe(cell: &MatrixCell<'_>) -> String {
    match &cell.source.kind {
        SourceKind::Tarball(_) => "built here from a release tarball".into(),
        SourceKind::Rebuild(rebuild) => format!("{} with further patches", rebuild.of),
        SourceKind::BuildOn(on) => format!("built on {on}, moved here"),
        SourceKind::Package(package) => format!("package {} {}", package.name, package.version),
        SourceKind::Image(image) => format!("image {}", image.reference),
    }
}

/// Where `traffic_server` is: stated, or known from our own recipes.
pub(super) fn binary(cell: &MatrixCell<'_>) -> Option<String> {
    match &cell.source.kind {
        SourceKind::Image(image) => image.binary.clone(),
        SourceKind::Package(_) => None,
        _ => Some("/opt/ats/bin/traffic_server".to_owned()),
    }
}
