//! Completion in real shells: bash, zsh and fish source the script that the program prints, and get the names of the shipped
//! matrix.

#![expect(clippy::unwrap_used, reason = "a shell that cannot be started is a failure")]

use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// What a shell prints for `script`, with the program on its PATH and in the folder of the shipped matrix.
fn shell(program: &str, arguments: &[&str], script: &str) -> String {
    let path = format!("{}:{}", Path::new(PROGRAM).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new(program)
        .args(arguments)
        .arg(script)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", path)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}: `sh scripts/setup.sh test` installs it"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What bash completes after `words`, the last of which is begun.
fn bash(words: &[&str]) -> String {
    let (last, line) = (words.len() - 1, words.join(" "));
    let script = format!(
        "source <(atsmatrix completions bash); COMP_WORDS=({line}); COMP_CWORD={last}; COMP_TYPE=9; \
         _clap_complete_atsmatrix atsmatrix '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words[last],
        words[last - 1]
    );
    shell("bash", &["--norc", "-c"], &script)
}

#[test]
fn bash_completes_commands_cells_distros_versions_and_trials() {
    assert_eq!(bash(&["atsmatrix", "comple"]), "completions\n");
    assert_eq!(bash(&["atsmatrix", "explain", "debian-13/9.2.5"]), "debian-13/9.2.5\ndebian-13/9.2.5-backport\n");
    assert_eq!(
        bash(&["atsmatrix", "gate", "--from", "ubuntu-24.04-to"]),
        "ubuntu-24.04-to-25.10\nubuntu-24.04-to-26.04\n"
    );
    assert_eq!(bash(&["atsmatrix", "run", "--ats", "9.2.9"]), "9.2.9\n");
    assert_eq!(bash(&["atsmatrix", "explain", "debian-13/9.2.5", "certificate-"]), "certificate-reload\n");
    assert_eq!(bash(&["atsmatrix", "run", "--res"]), "--results\n--resume\n");
}

#[test]
fn fish_and_zsh_complete_as_well() {
    let fish = "atsmatrix completions fish | source; complete -C 'atsmatrix path debian-12/9.2.9 debian-14/9.2.5-'";
    assert_eq!(shell("fish", &["--no-config", "-c"], fish), "debian-14/9.2.5-backport\n");
    let zsh = "autoload -Uz compinit; compinit -u -D; source <(atsmatrix completions zsh); print ${_comps[atsmatrix]}";
    assert_eq!(shell("zsh", &["-fc"], zsh), "_clap_dynamic_completer_atsmatrix\n");
    let asked = "COMPLETE=zsh _CLAP_COMPLETE_INDEX=2 atsmatrix -- atsmatrix explain debian-13/9.2.5-";
    assert_eq!(shell("zsh", &["-fc"], asked).trim(), "debian-13/9.2.5-backport");
}

/// Completion has no place for an error, and says nothing wrong: without a matrix no cell is known.
#[test]
fn without_a_matrix_nothing_is_completed() {
    let script =
        "cd / && COMPLETE=bash _CLAP_IFS=$'\\n' _CLAP_COMPLETE_INDEX=3 atsmatrix -- atsmatrix run --distro deb";
    assert_eq!(shell("bash", &["--norc", "-c"], script), "");
}

/// What an image has in its environment is not asked.
#[test]
fn an_agent_is_never_asked_for_completions() {
    let output = Command::new(PROGRAM).arg("agent").env("COMPLETE", "bash").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("only `atsmatrix run` starts `atsmatrix agent`"));
}
