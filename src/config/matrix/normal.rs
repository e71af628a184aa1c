//! The normal form of a matrix: what it runs and expects. Comments, titles, reasons, the order of keys, line ends, aliases
//! and explicit defaults do not change it.
//!
//! Results record a digest of this form, so it must never change for a matrix that was valid before: a new key is written
//! only where it is used. Structs are destructured completely, so that a new field does not compile until it is written
//! here or ignored by name.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use serde_json::Value;

use super::{
    AptSuite, Ats, Bootstrap, Deadlines, Defaults, Distro, Dockerfile, Exclusion, Expectation, Globs, LocalPackages,
    Matrix, Package, PackageFormat, Patch, Proof, ReadyImage, Rebuild, RpmRelease, Source, SourceKind, StatedTrial,
    Tarball, TierPair, UpgradeEnds,
};
use crate::model::{Os, OwnTrial, Place};

/// The normal form of `matrix`, one value per line.
pub(super) fn form(matrix: &Matrix) -> String {
    let Matrix {
        digest: _,
        sha256: _,
        distros,
        ats,
        origins,
        exclude,
        include,
        expect,
        trials,
        // What the files have is among the trials.
        trial_files: _,
        defaults,
        mirrors: _,
        local: _,
        file: _,
        places: _,
    } = matrix;
    let mut lines = Lines("atsmatrix 1\n".to_owned());
    for it in distros {
        distro(&mut lines, it);
    }
    for it in ats {
        column(&mut lines, it);
    }
    for place in Place::BESIDE {
        lines.some(place.program().unwrap_or_default(), origins.get(&place));
    }
    for Exclusion { distro, ats, reason: _ } in exclude {
        lines.put("exclude", "");
        lines.globs("exclude.distro", distro.as_ref());
        lines.globs("exclude.ats", ats.as_ref());
    }
    lines.all("include", include);
    for it in expect {
        expectation(&mut lines, it);
    }
    let Defaults { deadlines: Deadlines { trial, cell, run }, memory, pids } = defaults;
    for (key, deadline) in [("trial", trial), ("cell", cell), ("run", run)] {
        lines.put(&format!("deadline.{key}"), deadline.as_millis());
    }
    lines.put("memory", memory);
    lines.put("pids", pids);
    for StatedTrial { trial, file: _, at: _ } in trials {
        own_trial(&mut lines, trial);
    }
    lines.0
}

/// The normal form of one trial of the user's own.
pub(super) fn trial_form(trial: &OwnTrial) -> String {
    let mut lines = Lines(String::new());
    own_trial(&mut lines, trial);
    lines.0
}

struct Lines(String);

impl Lines {
    /// Writes a value, escaped so that it cannot look like another line.
    fn put(&mut self, key: &str, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{key} {:?}", value.to_string());
    }

    fn some(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.some(key, value.then_some(""));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.some(key, Some(value).filter(|value| !value.is_empty()));
    }

    fn all(&mut self, key: &str, values: impl IntoIterator<Item = impl Display>) {
        for value in values {
            self.put(key, value);
        }
    }

    fn globs(&mut self, key: &str, globs: Option<&Globs>) {
        // `None` matches every name; an empty list is written differently.
        self.flag(key, globs.is_some());
        self.all(key, globs.iter().flat_map(|globs| globs.patterns()));
    }

    /// Writes the leaves of `value`, without those that say nothing: a property that is added later and not used writes none.
    fn data(&mut self, key: &str, value: &Value) {
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => self.put(key, "true"),
            Value::Number(number) => self.put(key, number),
            Value::String(text) => self.put(key, text),
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    // An item keeps its place even if it says nothing.
                    self.put(&format!("{key}[{i}]"), "");
                    self.data(&format!("{key}[{i}]"), item);
                }
            }
            Value::Object(fields) => {
                let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
                for (name, field) in sorted {
                    self.data(&format!("{key}.{name}"), field);
                }
            }
        }
    }

    fn map(&mut self, key: &str, map: &BTreeMap<String, String>) {
        for (name, value) in map {
            self.put(&format!("{key} {name:?}"), value);
        }
    }
}

fn distro(lines: &mut Lines, it: &Distro) {
    let Distro { id, title: _, family, os, openssl: _, image, bootstrap, optional, seen: _, forecast, args, upgrade } =
        it;
    lines.put("distro", id);
    lines.put("family", family);
    if let Some(Os { id, version, codename }) = os {
        lines.put("os", id);
        lines.some("os-version", version.as_ref());
        lines.some("os-codename", codename.as_ref());
    }
    lines.some("image", image.as_ref());
    match bootstrap {
        Some(Bootstrap::Suite(AptSuite { suite, sources, archive, check_valid_until })) => {
            lines.put("suite", suite);
            lines.all("source", sources);
            lines.all("archive", archive);
            lines.flag("valid-until", *check_valid_until);
        }
        Some(Bootstrap::Release(RpmRelease { release, repositories, archive, gpg_keys, packages })) => {
            lines.put("release", release);
            lines.all("repository", repositories);
            lines.all("archive", archive);
            lines.all("gpg-key", gpg_keys);
            lines.all("rpm", packages);
        }
        None => (),
    }
    lines.flag("optional", *optional);
    lines.flag("forecast", *forecast);
    lines.map("arg", args);
    if let Some(UpgradeEnds { from, to }) = upgrade {
        lines.put("upgrade-from", from);
        lines.put("upgrade-to", to);
    }
}

fn column(lines: &mut Lines, it: &Ats) {
    let Ats { id, title: _, version, optional, config, sources, upgraded } = it;
    lines.put("ats", id);
    lines.put("version", version);
    lines.flag("optional", *optional);
    lines.some("config", config.as_ref());
    for Source { on, kind, reports, optional, seen: _, config, args } in sources {
        lines.globs("on", Some(on));
        origin(lines, kind);
        lines.some("reports", reports.as_ref());
        lines.flag("optional", *optional);
        lines.some("config", config.as_ref());
        lines.map("arg", args);
    }
    // Follows from the rows, except for what is stated about the result.
    for (row, source) in upgraded {
        if let Some(Source { on: _, kind: _, reports: Some(reports), optional: _, seen: _, config: _, args: _ }) =
            source
        {
            lines.put("upgraded", row);
            lines.put("reports", reports);
        }
    }
}

fn origin(lines: &mut Lines, kind: &SourceKind) {
    match kind {
        SourceKind::Tarball(Tarball { urls, proof, patches, configure }) => {
            lines.all("tarball", urls);
            match proof {
                Proof::Sha256(hex) => lines.put("sha256", hex),
                Proof::Signature { url, keys_url } => {
                    lines.put("signature", url);
                    lines.put("keys", keys_url);
                }
                Proof::Sha512Url(url) => lines.put("sha512-url", url),
            }
            patched(lines, patches);
            lines.text("configure", configure);
        }
        SourceKind::Rebuild(Rebuild { of, patches }) => {
            lines.put("rebuild", of);
            patched(lines, patches);
        }
        SourceKind::BuildOn(distro) => lines.put("build-on", distro),
        SourceKind::Package(Package { name, version }) => {
            lines.put("package", name);
            lines.put("package-version", version);
        }
        SourceKind::Image(ReadyImage { reference, binary }) => {
            lines.put("ready-image", reference);
            lines.some("binary", binary.as_ref());
        }
        SourceKind::Upgrade(from) => lines.put("upgrade", from),
        SourceKind::Tiers(TierPair { child, parent, entry: _ }) => {
            lines.put("child", child);
            lines.put("parent", parent);
        }
        SourceKind::Dockerfile(Dockerfile { path, context, base_arg, binary }) => {
            lines.put("dockerfile", path);
            lines.put("context", context);
            lines.put("base-arg", base_arg);
            lines.some("binary", binary.as_ref());
        }
        SourceKind::Local(LocalPackages { format, files, binary }) => {
            let key = match format {
                PackageFormat::Deb => "deb",
                PackageFormat::Rpm => "rpm",
            };
            lines.all(key, files);
            lines.some("binary", binary.as_ref());
        }
    }
}

fn patched(lines: &mut Lines, patches: &[Patch]) {
    for Patch { urls, sha256, file, only } in patches {
        lines.put("patch", sha256);
        lines.all("patch-url", urls);
        lines.some("patch-file", file.as_ref());
        lines.all("patch-only", only);
    }
}

fn expectation(lines: &mut Lines, it: &Expectation) {
    let Expectation {
        distro,
        ats,
        cells,
        except,
        openssl,
        ats_version,
        trials,
        issue,
        verdict,
        expires,
        reason: _,
        link: _,
        at: _,
        trials_at: _,
        issue_at: _,
    } = it;
    lines.put("expect", verdict);
    lines.globs("expect.distro", distro.as_ref());
    lines.globs("expect.ats", ats.as_ref());
    lines.globs("expect.cells", cells.as_ref());
    lines.globs("expect.except", except.as_ref());
    lines.globs("expect.trials", trials.as_ref());
    lines.some("expect.issue", issue.as_ref());
    lines.some("expect.openssl", openssl.as_ref());
    lines.some("expect.ats-version", ats_version.as_ref());
    lines.some("expect.expires", expires.as_ref());
}

fn own_trial(lines: &mut Lines, it: &OwnTrial) {
    // The digest is made of this.
    let OwnTrial { id, title: _, why: _, link: _, ats, openssl, spec, wanted, digest: _ } = it;
    lines.put("trial", id);
    lines.some("trial.ats", ats.as_ref());
    lines.some("trial.openssl", openssl.as_ref());
    // Both are plain data: serializing them cannot fail.
    lines.data("trial.spec", &serde_json::to_value(spec).unwrap_or_default());
    lines.all("trial.wanted", wanted.iter().map(|it| serde_json::to_string(it).unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::super::Matrix;

    const MATRIX: &str = "\
version: 1
distros:
  debian-12:
    title: Debian 12
    family: debian
    image: a
    args: { A: b, C: d }
  debian-13: { family: debian, image: b, optional: true }
  debian-14: { family: debian, image: c }
ats:
  \"9.2.9\":
    sources: [{ on: [\"*\"], image: { reference: x } }]
exclude: [{ distro: [debian-14], ats: [\"9*\"], reason: old }]
expect:
  - cells: [debian-13/9.2.9]
    trials: [tls-remote-origin]
    verdict: fail
    reason: it does
";

    #[test]
    fn the_form_never_changes() {
        let matrix = Matrix::parse("matrix.yaml", MATRIX).unwrap();
        insta::assert_snapshot!(super::form(&matrix), @r#"
        atsmatrix 1
        distro "debian-12"
        family "debian"
        os "debian"
        os-version "12"
        image "a"
        arg "A" "b"
        arg "C" "d"
        distro "debian-13"
        family "debian"
        os "debian"
        os-version "13"
        image "b"
        optional ""
        distro "debian-14"
        family "debian"
        os "debian"
        os-version "14"
        image "c"
        ats "9.2.9"
        version "9.2.9"
        on ""
        on "*"
        ready-image "x"
        exclude ""
        exclude.distro ""
        exclude.distro "debian-14"
        exclude.ats ""
        exclude.ats "9*"
        expect "fail"
        expect.cells ""
        expect.cells "debian-13/9.2.9"
        expect.trials ""
        expect.trials "tls-remote-origin"
        deadline.trial "20000"
        deadline.cell "120000"
        deadline.run "7200000"
        memory "1073741824"
        pids "512"
        "#);
    }

    fn digest(text: &str) -> String {
        Matrix::parse("matrix.yaml", text).unwrap_or_else(|found| panic!("{found:?}\n{text}")).digest
    }

    #[test]
    fn the_way_it_is_written_changes_nothing() {
        let as_is = digest(MATRIX);
        for (from, to) in [
            ("version: 1\n", "# Whose? The edge team's.\nversion: 1\n"),
            ("title: Debian 12", "title: Bookworm"),
            ("    title: Debian 12\n", ""),
            ("reason: old", "reason: not in use"),
            ("reason: it does", "reason: it did\n    link: https://example.org/"),
            ("args: { A: b, C: d }", "args: { C: \"d\", A: b }"),
            ("family: debian, image: b, optional: true", "optional: true, image: b, family: debian, forecast: false"),
            ("trials: [tls-remote-origin]", "trials:\n      - tls-remote-origin"),
            ("\n", "\r\n"),
        ] {
            assert!(MATRIX.contains(from), "{from}");
            assert_eq!(digest(&MATRIX.replace(from, to)), as_is, "{from:?} -> {to:?}");
        }
        assert_eq!(digest(&(MATRIX.to_owned() + "defaults: { deadlines: { trial: 20s }, memory: 1024MiB }\n")), as_is);
    }

    #[test]
    fn what_is_run_or_expected_changes_it() {
        let as_is = digest(MATRIX);
        let mut seen = std::collections::BTreeSet::from([as_is]);
        for (from, to) in [
            ("image: a", "image: d"),
            ("family: debian, image: c", "family: fedora, image: c"),
            ("optional: true", "optional: false"),
            ("optional: true", "forecast: true"),
            ("A: b", "A: c"),
            ("family: debian, image: c", "family: debian, os: { id: debian, codename: forky }, image: c"),
            ("image: a\n", "image: a\n    bootstrap: { suite: s, sources: [deb http://a.test b main] }\n"),
            ("image: a\n", "image: a\n    bootstrap: { release: s, repositories: [http://a.test], gpg_keys: [k] }\n"),
            ("image: a\n", "image: a\n    bootstrap: { release: s, repositories: [http://a.test], gpg_keys: [l] }\n"),
            ("on: [\"*\"]", "on: [\"debian-*\"]"),
            ("reference: x", "reference: y"),
            ("reference: x", "reference: x, binary: /b"),
            ("ats: [\"9*\"]", "ats: [\"9.2*\"]"),
            ("verdict: fail", "verdict: flaky"),
            ("trials: [tls-remote-origin]", "trials: [tls-same-host]"),
            ("    trials: [tls-remote-origin]\n", ""),
            ("reason: it does", "reason: it does\n    expires: 2027-01-31"),
            ("  - cells: [debian-13/9.2.9]\n", "  - openssl: \">=3.2\"\n    cells: [debian-13/9.2.9]\n"),
            ("\nexpect", "\ninclude: [{ distro: debian-14, ats: \"9.2.9\" }]\nexpect"),
            ("\nexpect", "\ndefaults: { pids: 99 }\nexpect"),
        ] {
            assert!(MATRIX.contains(from), "{from}");
            assert!(seen.insert(digest(&MATRIX.replace(from, to))), "{from:?} -> {to:?}");
        }
    }
}
