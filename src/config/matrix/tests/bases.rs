//! How base images are made from package mirrors.

use super::*;

const REPOSITORY: &str = "https://dl.test/releases/$releasever/Everything/$basearch/os/";

/// The good file with these keys in the place of the suite.
fn with(keys: &str) -> Result<Matrix, String> {
    let suite = "      suite: bookworm\n      sources: [\"deb http://deb.debian.org/debian bookworm main\"]\n";
    assert!(GOOD.contains(suite));
    parse(&GOOD.replace(suite, keys))
}

fn made(keys: &str) -> Bootstrap {
    with(keys).unwrap().distros[0].bootstrap.clone().unwrap()
}

#[test]
fn a_release_is_made_by_dnf_from_signed_packages() {
    let named = format!(
        "      release: 40\n      repositories: [{REPOSITORY}]\n      gpg_keys: [fedora/KEY-40]\n      archive: [http://old.test/]\n"
    );
    let Bootstrap::Release(release) = made(&named) else { panic!("a suite") };
    assert_eq!((release.release.as_str(), release.repositories.as_slice()), ("40", &[REPOSITORY.to_owned()][..]));
    assert!(release.packages.iter().any(|name| name == "dnf"), "the default");
    let archived = Bootstrap::Release(release).archived().unwrap();
    let Bootstrap::Release(archived) = archived else { panic!("a suite") };
    assert_eq!(archived.repositories, ["http://old.test/"]);

    let key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ+a/b=\n=ab12\n-----END PGP PUBLIC KEY BLOCK-----\n";
    let indented = key.replace('\n', "\n          ");
    let own = format!(
        "      release: \"1\"\n      repositories: [{REPOSITORY}]\n      gpg_keys:\n        - |\n          {indented}\n      packages: [a, b]\n"
    );
    let Bootstrap::Release(release) = made(&own) else { panic!("a suite") };
    assert_eq!((release.gpg_keys[0].trim(), release.packages.len()), (key.trim(), 2));
    assert_eq!(Bootstrap::Release(release).archived(), None);
}

#[test]
fn a_bootstrap_is_either_a_suite_or_a_release_and_has_the_keys_of_its_kind() {
    let found = |keys: &str| with(keys).unwrap_err();
    insta::assert_snapshot!(found("      archive: []\n"), @"matrix.yaml:6:5: distros.debian-12.bootstrap: it makes nothing; write `suite` (apt) or `release` (dnf)");
    insta::assert_snapshot!(found("      suite: a\n      release: b\n"), @"matrix.yaml:6:5: distros.debian-12.bootstrap: it has both `suite` and `release`; write `suite` (apt) or `release` (dnf)");
    insta::assert_snapshot!(found("      suite: a\n      packages: [b]\n"), @"
    matrix.yaml:6:5: distros.debian-12.bootstrap: the key `sources` is missing; add it
    matrix.yaml:8:7: distros.debian-12.bootstrap.packages: `packages` belongs to a `release`; remove it
    ");
    insta::assert_snapshot!(found("      release: b\n      check_valid_until: true\n"), @"
    matrix.yaml:6:5: distros.debian-12.bootstrap: the key `repositories` is missing; add it
    matrix.yaml:6:5: distros.debian-12.bootstrap: the key `gpg_keys` is missing; add it
    matrix.yaml:8:7: distros.debian-12.bootstrap.check_valid_until: `check_valid_until` belongs to a `suite`; remove it
    ");
}

#[test]
fn packages_without_a_key_and_addresses_that_a_shell_would_read_are_refused() {
    for (keys, value) in [
        ("repositories: [\"https://dl.test/$HOME/\"]\n      gpg_keys: [k]", "$HOME"),
        ("repositories: [\"file:///srv/x\"]\n      gpg_keys: [k]", "file:///srv/x"),
        ("repositories: [http://m.test/]\n      gpg_keys: []", "the list is empty"),
        ("repositories: [http://m.test/]\n      gpg_keys: [none of it]", "none of it"),
        ("repositories: [http://m.test/]\n      gpg_keys: [../../etc/key]", "../../etc/key"),
        ("repositories: [http://m.test/]\n      gpg_keys: [\"https://m.test/key\"]", "https://m.test/key"),
        ("repositories: [http://m.test/]\n      gpg_keys: [k]\n      packages: [\"--nogpgcheck\"]", "--nogpgcheck"),
    ] {
        let found = with(&format!("      release: a\n      {keys}\n")).unwrap_err();
        assert!(found.contains(value) && found.lines().count() == 1, "{keys}: {found}");
    }
}
