//! The plugins of packages, and which of their parameters are files.

/// `DISTRO VERSION: NAMES`, one line a package.
const PACKAGED: &str = include_str!("plugins.tsv");

/// The plugins of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagedPlugins {
    /// The distro, for example `debian-12`.
    pub distro: &'static str,
    /// The version that its ATS reports.
    pub version: &'static str,
    /// File names.
    pub names: Vec<&'static str>,
}

/// The plugins of each package that was looked at.
pub fn packaged() -> impl Iterator<Item = PackagedPlugins> {
    PACKAGED.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        let (distro, version, names) = (fields.next()?, fields.next()?, fields.next()?);
        Some(PackagedPlugins { distro, version, names: names.split(' ').collect() })
    })
}

/// Plugins with the parameters that name files.
const FILES: &[(&str, FileParams)] = &[
    ("header_rewrite.so", FileParams::Plain),
    ("regex_remap.so", FileParams::First),
    ("tslua.so", FileParams::FirstPlain),
    ("conf_remap.so", FileParams::WithoutEquals),
    ("cookie_remap.so", FileParams::First),
    ("compress.so", FileParams::First),
    ("gzip.so", FileParams::First),
    ("url_sig.so", FileParams::First),
    ("uri_signing.so", FileParams::First),
    ("esi.so", FileParams::Nothing),
    ("combo_handler.so", FileParams::Nothing),
    ("cachekey.so", FileParams::Nothing),
    ("slice.so", FileParams::Nothing),
    ("cache_range_requests.so", FileParams::Nothing),
    ("cache_promote.so", FileParams::Nothing),
    ("xdebug.so", FileParams::Nothing),
    ("stats_over_http.so", FileParams::Nothing),
    ("background_fetch.so", FileParams::Option(&["--config", "-c"])),
    ("s3_auth.so", FileParams::Option(&["--config"])),
    ("regex_revalidate.so", FileParams::Option(&["--config", "-c"])),
    ("access_control.so", FileParams::Option(&["--symmetric-keys-map"])),
    ("certifier.so", FileParams::Option(&["--sign-cert", "--sign-key", "--sign-serial", "-c", "-k", "-r"])),
];

/// Which parameters of a plugin name files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileParams {
    /// None.
    Nothing,
    /// The first.
    First,
    /// The first that is no option.
    FirstPlain,
    /// All that are no options.
    Plain,
    /// All without `=`; the others are settings.
    WithoutEquals,
    /// The values of these options.
    Option(&'static [&'static str]),
}

/// The parameters of the plugin `name` (a file name) that are files, as written; `None`: nothing is known about it.
pub fn file_params<'a>(name: &str, params: &'a [String]) -> Option<Vec<&'a str>> {
    let (_, kind) = FILES.iter().find(|(plugin, _)| *plugin == name)?;
    let plain = |param: &&str| !param.starts_with('-');
    let params = params.iter().map(String::as_str);
    Some(match kind {
        FileParams::Nothing => Vec::new(),
        FileParams::First => params.take(1).filter(plain).collect(),
        FileParams::FirstPlain => params.filter(plain).take(1).collect(),
        FileParams::Plain => params.filter(plain).collect(),
        FileParams::WithoutEquals => params.filter(|param| !param.contains('=')).collect(),
        FileParams::Option(names) => option_values(names, params.collect()),
    })
}

/// `--name=VALUE`, or `--name` and `VALUE` behind it.
fn option_values<'a>(names: &[&str], params: Vec<&'a str>) -> Vec<&'a str> {
    let mut values = Vec::new();
    let mut rest = params.into_iter();
    while let Some(param) = rest.next() {
        if names.contains(&param) {
            values.extend(rest.next());
        } else if let Some((name, value)) = param.split_once('=')
            && names.contains(&name)
        {
            values.push(value);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files<'a>(name: &str, params: &'a [String]) -> Vec<&'a str> {
        file_params(name, params).unwrap()
    }

    fn strings(params: &[&str]) -> Vec<String> {
        params.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn packages_have_plugins() {
        let debian: Vec<PackagedPlugins> = packaged().filter(|it| it.distro == "debian-12").collect();
        assert_eq!(debian.len(), 1);
        assert!(debian[0].names.contains(&"header_rewrite.so") && !debian[0].names.contains(&"slice.so"));
    }

    #[test]
    fn parameters_that_are_files_are_told_from_others() {
        assert_eq!(files("header_rewrite.so", &strings(&["--verbose", "a.conf", "b.conf"])), ["a.conf", "b.conf"]);
        assert_eq!(files("conf_remap.so", &strings(&["proxy.config.a=1", "a.conf"])), ["a.conf"]);
        assert_eq!(files("background_fetch.so", &strings(&["--config=a.conf", "-c", "b.conf"])), ["a.conf", "b.conf"]);
        assert_eq!(files("cachekey.so", &strings(&["--static-prefix=a"])), [""; 0]);
        assert_eq!(file_params("own.so", &[]), None);
    }
}
