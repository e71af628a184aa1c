//! What has to be known of a Dockerfile: its build arguments, and what it starts from.

use super::local::LocalError;

/// The instructions of a Dockerfile in order, each as its keyword in upper case and the rest. Comments are left out and
/// continued lines are joined.
fn instructions(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut joined = String::new();
    for line in text.lines().map(str::trim) {
        // Comments and empty lines may stand between continued lines.
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(begun) = line.strip_suffix('\\') {
            joined += begun;
            joined.push(' ');
            continue;
        }
        joined += line;
        let whole = std::mem::take(&mut joined);
        let (keyword, rest) = whole.split_once(char::is_whitespace).unwrap_or((whole.as_str(), ""));
        found.push((keyword.to_ascii_uppercase(), rest.trim().to_owned()));
    }
    found
}

/// The names that an ARG declares.
fn names(rest: &str) -> impl Iterator<Item = &str> {
    rest.split_whitespace().filter_map(|word| word.split('=').next())
}

/// The build arguments that a Dockerfile declares anywhere.
pub fn declared_args(text: &str) -> Vec<String> {
    let args = instructions(text).into_iter().filter(|(keyword, _)| keyword == "ARG");
    args.flat_map(|(_, rest)| names(&rest).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Whether `image` contains the variable `name`.
fn uses(image: &str, name: &str) -> bool {
    let braced = format!("${{{name}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    image.split(&braced).skip(1).any(ends) || image.split(&format!("${name}")).skip(1).any(ends)
}

/// Checks that the Dockerfile `text` at `path` starts from the base that the build argument `name` gives.
pub(super) fn check_base(text: &str, path: &str, name: &str) -> Result<(), LocalError> {
    let instructions = instructions(text);
    let wrong = |message: String| {
        Err(LocalError::new("base_arg", message, format!("write `ARG {name}` before its `FROM ${{{name}}}`")))
    };
    let Some(first) = instructions.iter().position(|(keyword, _)| keyword == "FROM") else {
        return Err(LocalError::new("path", format!("{path} has no FROM: it is not a Dockerfile"), ""));
    };
    let declares = |(keyword, rest): &(String, String)| keyword == "ARG" && names(rest).any(|known| known == name);
    if !instructions[..first].iter().any(declares) {
        return wrong(format!("{path} declares no `ARG {name}` before its first FROM"));
    }
    if !instructions.iter().any(|(keyword, rest)| keyword == "FROM" && uses(rest, name)) {
        return wrong(format!("{path} uses `{name}` in no FROM"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_in_every_spelling() {
        let text = "# ARG NO\narg BASE=debian:12 \\\n  # in between\n  MORE\nFROM --platform=linux/amd64 $BASE as x\nARG X=1\nRUN echo ARG NOT";
        assert_eq!(declared_args(text), ["BASE", "MORE", "X"]);
        assert_eq!(check_base(text, "Dockerfile", "BASE"), Ok(()));
    }

    #[test]
    fn a_base_that_a_dockerfile_does_not_use_is_refused() {
        let message = |text: &str| check_base(text, "D", "BASE").unwrap_err().message;
        for good in
            ["ARG BASE\nFROM ${BASE}", "ARG BASE\nFROM ${BASE:-debian:12} AS a\nFROM a", "ARG BASE\nFROM x\nFROM $BASE"]
        {
            assert_eq!(check_base(good, "D", "BASE"), Ok(()), "{good}");
        }
        for undeclared in ["FROM debian:12", "FROM x\nARG BASE\nRUN true", "FROM ${BASE}\n", "ARG BASES\nFROM ${BASE}"]
        {
            assert_eq!(message(undeclared), "D declares no `ARG BASE` before its first FROM", "{undeclared}");
        }
        for unused in
            ["ARG BASE\nFROM debian:12", "ARG BASE\nFROM ${BASES}\nRUN echo $BASE", "ARG BASE\nFROM $BASE_IMAGE"]
        {
            assert_eq!(message(unused), "D uses `BASE` in no FROM", "{unused}");
        }
        assert_eq!(message(""), "D has no FROM: it is not a Dockerfile");
    }
}
