//! Parts out of inventories like those of Debian 12 and 13.

use super::*;

fn mapped(soname: &str, hash: &str, package: &str, source: &str) -> Mapped {
    Mapped {
        soname: soname.into(),
        path: format!("/usr/lib/x86_64-linux-gnu/{soname}"),
        sha256: hash.repeat(8),
        package: Some(package.into()),
        source: Some(source.into()),
        ..Mapped::default()
    }
}

fn ends() -> (Inventory, Inventory) {
    let crypto = |hash, version: &str, package| Mapped {
        version: Some(version.into()),
        ..mapped("libcrypto.so.3", hash, package, "openssl")
    };
    let good = Inventory {
        libraries: vec![
            mapped("ld-linux-x86-64.so.2", "a1", "libc6 2.36", "glibc"),
            mapped("libc.so.6", "a2", "libc6 2.36", "glibc"),
            crypto("a3", "3.0.20", "libssl3 3.0.20-1"),
            mapped("libgssapi_krb5.so.2", "a4", "libgssapi-krb5-2 1.20", "krb5"),
            mapped("libicuuc.so.72", "a5", "libicu72 72.1", "icu"),
            mapped("libkrb5.so.3", "a6", "libkrb5-3 1.20", "krb5"),
            mapped("libpcre.so.3", "77", "libpcre3 8.39", "pcre3"),
            mapped("libssl.so.3", "a8", "libssl3 3.0.20-1", "openssl"),
            Mapped { own: true, ..mapped("libtscore.so.9", "a9", "ats 9", "trafficserver") },
        ],
        files: BTreeMap::from([
            ("openssl.cnf".into(), "a = 1\nb = 2\n".into()),
            ("/etc/nsswitch.conf".into(), "hosts: files".into()),
        ]),
        sysctls: BTreeMap::from([("net.ipv4.tcp_fastopen".into(), "1".into())]),
        ..Inventory::default()
    };
    let bad = Inventory {
        libraries: vec![
            mapped("ld-linux-x86-64.so.2", "b1", "libc6 2.41", "glibc"),
            mapped("libc.so.6", "b2", "libc6 2.41", "glibc"),
            crypto("b3", "3.5.7", "libssl3t64 3.5.7-1"),
            mapped("libgssapi_krb5.so.2", "b4", "libgssapi-krb5-2 1.21", "krb5"),
            mapped("libkrb5.so.3", "b6", "libkrb5-3 1.21", "krb5"),
            mapped("libpcre.so.3", "77", "libpcre3 8.39", "pcre3"),
            mapped("libssl.so.3", "b8", "libssl3t64 3.5.7-1", "openssl"),
            Mapped { own: true, ..mapped("libtscore.so.9", "b9", "ats 9", "trafficserver") },
        ],
        files: BTreeMap::from([
            ("openssl.cnf".into(), "a = 1\n".into()),
            ("/etc/nsswitch.conf".into(), "hosts: files dns".into()),
        ]),
        sysctls: good.sysctls.clone(),
        wanted_sysctls: BTreeMap::from([("net.ipv4.tcp_fastopen".into(), "3".into())]),
        locale: BTreeMap::from([("LANG".into(), "C.UTF-8".into())]),
        ..Inventory::default()
    };
    (good, bad)
}

fn differences() -> (CellDifferences, Inventory, Inventory) {
    let (good, bad) = ends();
    (CellDifferences::between(&good, &bad), good, bad)
}

#[test]
fn libraries_are_paired_by_soname_and_grouped() {
    let (differences, ..) = differences();
    let shown: Vec<String> = differences
        .parts
        .iter()
        .map(|part| format!("{}: {} | {} -> {}", part.name, part.members.join(" "), part.good, part.bad))
        .collect();
    assert_eq!(
        shown,
        [
            "glibc: ld-linux-x86-64.so.2 libc.so.6 | libc6 2.36 -> libc6 2.41",
            "krb5: libgssapi_krb5.so.2 libkrb5.so.3 | libgssapi-krb5-2 1.20, libkrb5-3 1.20 -> libgssapi-krb5-2 1.21, libkrb5-3 1.21",
            "openssl: libcrypto.so.3 libssl.so.3 | 3.0.20 (libssl3 3.0.20-1) -> 3.5.7 (libssl3t64 3.5.7-1)",
            "openssl.cnf: openssl.cnf | b = 2 -> a part of the same",
            "resolver: /etc/gai.conf /etc/host.conf /etc/nsswitch.conf | hosts: files -> hosts: files dns",
            "locale: LANG | nothing -> LANG=C.UTF-8",
            "kernel settings: net.ipv4.tcp_fastopen | net.ipv4.tcp_fastopen = 1 -> net.ipv4.tcp_fastopen = 3",
        ]
    );
    assert_eq!(differences.libraries, 3);
    let same: Vec<&str> = differences.same.iter().map(|suspect| suspect.name.as_str()).collect();
    assert_eq!(same, ["libraries that are identical in both", "crypto-policy", "ATS's default configuration"]);
    assert_eq!(differences.same[0].members, ["libpcre.so.3"]);
    assert!(differences.notes.iter().any(|note| note.contains("only the good cell has libicuuc.so.72")));
}

#[test]
fn a_set_of_libraries_brings_what_only_its_image_has() {
    let (differences, good, bad) = differences();
    let swapped = differences.swapped(&[2].into(), ImageSide::Bad, &good, &bad);
    let expected =
        ["libcrypto.so.3", "libicuuc.so.72", "libssl.so.3"].map(|name| (name.to_owned(), format!("{LAYER}/{name}")));
    assert_eq!(swapped.swap.libraries, expected.into());
    assert_eq!(swapped.swap.loader, None);
    let reverse = differences.swapped(&[0].into(), ImageSide::Good, &good, &bad);
    assert_eq!(reverse.swap.loader.as_deref(), Some("/atsmatrix-bisect/lib/ld-linux-x86-64.so.2"));
    assert_eq!(reverse.swap.libraries.len(), 2);
    assert_eq!(differences.swapped(&Parts::new(), ImageSide::Bad, &good, &bad), Swapped::default());
}

#[test]
fn the_other_suspects_are_swapped_each_in_its_own_way() {
    let (differences, good, bad) = differences();
    let swapped = differences.swapped(&(3..7).collect(), ImageSide::Bad, &good, &bad);
    assert_eq!(swapped.swap.files["openssl.cnf"], "a = 1\nb = 2\n");
    assert_eq!(swapped.swap.environment["OPENSSL_CONF"].as_deref(), Some("/run/atsmatrix/swap/openssl.cnf"));
    assert_eq!(swapped.swap.environment["LANG"], None);
    assert_eq!(swapped.fixed["/etc/nsswitch.conf"], "hosts: files");
    assert_eq!(swapped.sysctls["net.ipv4.tcp_fastopen"], "1");
    assert!(swapped.swap.libraries.is_empty());
}

#[test]
fn a_missing_symbol_leads_to_the_part_that_has_it() {
    let (differences, good, bad) = differences();
    let missing =
        MissingSymbol { what: "GLIBC_2.38".into(), provider: "libc.so.6".into(), needed_by: "libcrypto.so.3".into() };
    let needs = |swapped: Parts| differences.needs(std::slice::from_ref(&missing), &swapped, &good, &bad);
    assert_eq!(needs([2].into()), [0].into(), "the provider's part");
    assert_eq!(needs([0].into()), [2].into(), "or the part that needed it");
    assert_eq!(needs([0, 2].into()), Parts::new());
}

#[test]
fn a_swap_that_failed_is_noticed() {
    let (differences, good, bad) = differences();
    assert_eq!(differences.mistaken(&Parts::new(), &bad), None);
    let mistake = differences.mistaken(&[2].into(), &bad).unwrap();
    assert!(mistake.contains("did not load libcrypto.so.3"), "{mistake}");
    let mut swapped = bad.clone();
    for mapped in swapped
        .libraries
        .iter_mut()
        .filter(|mapped| mapped.soname.starts_with("libssl") || mapped.soname.starts_with("libcrypto"))
    {
        mapped.path = layered(mapped);
    }
    assert_eq!(differences.mistaken(&[2].into(), &swapped), None);
    assert!(differences.mistaken(&Parts::new(), &swapped).unwrap().contains("loaded libcrypto.so.3"));
    // One of two lives of ATS loaded the image's own.
    swapped.libraries.push(mapped("libssl.so.3", "b8", "libssl3t64 3.5.7-1", "openssl"));
    assert!(differences.mistaken(&[2].into(), &swapped).unwrap().contains("did not load libssl.so.3"));
    // The layer has what differs or is missing, but never ATS itself.
    assert_eq!(layer(&good, &bad).len(), 7);
    let hostile = Mapped { path: "/x/$(id)/*.so".into(), ..mapped("libx.so.1", "c1", "x 1", "x") };
    assert!(layer(&Inventory { libraries: vec![hostile], ..Inventory::default() }, &bad).is_empty());
}
