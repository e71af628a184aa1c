//! Trials of the user's own, without containers: simple built-in trials written as data do and judge the same, the page in docs/ has
//! every key, and commands know a matrix's own trials.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use atsmatrix::catalogue::trials::{self, Catalogue};
use atsmatrix::config::matrix::{Matrix, TrialFile, schema, trials_schema};
use atsmatrix::model::{ClientRun, Exchange, LOG_CUT, LogFile, LogLine, Observation, Outcome};
use serde_json::Value;

const MATRIX: &str = "version: 1\ndistros:\n  debian-12: { family: debian, image: x }\nats:\n  \"9.2.9\": { sources: [{ on: [\"*\"], \
                      package: { name: trafficserver, version: latest } }] }\n";

/// Built-in trials as data. `ID` stands for an id.
const AS_DATA: [(&str, &str); 7] = [
    (
        "tls-remote-origin",
        "{ title: t, why: w, expect: { client: { whole_answers: 1 }, origin: { requests: 1, tls: any } } }",
    ),
    (
        "tls12-only",
        "{ title: t, why: w, origin: { tls: { versions: [TLSv1.2] } }, expect: { client: { whole_answers: 1 }, origin: \
         { requests: 1, tls: TLSv1.2 } } }",
    ),
    (
        "sni-remap-target",
        "{ title: t, why: w, expect: { client: { whole_answers: 1 }, origin: { requests: 1, tls: any, server_name: \
         \"{origin}\" } } }",
    ),
    (
        "sni-none-for-address",
        "{ title: t, why: w, remap: by-address, records: [CONFIG proxy.config.ssl.client.verify.server.policy STRING \
         PERMISSIVE, CONFIG proxy.config.ssl.client.verify.server.properties STRING ALL], expect: { client: { \
         whole_answers: 1 }, origin: { requests: 1, tls: any, server_name: none } } }",
    ),
    (
        "pool-off",
        "{ title: t, why: w, requests: [{}, { fresh: true }], records: [CONFIG \
         proxy.config.http.server_session_sharing.match STRING none], expect: { client: { whole_answers: 2 }, origin: { \
         requests: 2, connections: 2, tls: any } } }",
    ),
    (
        "refuse-expired",
        "{ title: t, why: w, origin: { tls: { certificate: expired } }, records: [CONFIG \
         proxy.config.ssl.client.verify.server.policy STRING ENFORCED, CONFIG \
         proxy.config.ssl.client.verify.server.properties STRING ALL], expect: { origin: { refused: expired } } }",
    ),
    (
        "http-post-1m",
        "{ title: t, why: w, requests: [{ method: POST, body: 1048576 }], expect: { client: { whole_answers: 1 }, origin: \
         { requests: 1, tls: any, body: 1048576 } } }",
    ),
];

fn parse(trials: &str) -> Matrix {
    let text = format!("{MATRIX}trials:\n{trials}");
    Matrix::parse("matrix.yaml", &text).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// Recorded observations, of all trials.
fn recorded() -> Vec<(String, Observation)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/judges/right.jsonl");
    let text = fs::read_to_string(file).unwrap();
    let read = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        let observation = serde_json::from_value(value["observation"].take()).unwrap();
        (value["trial"].as_str().unwrap().to_owned(), observation)
    };
    text.lines().map(read).collect()
}

#[test]
fn simple_built_in_trials_can_be_written_as_data() {
    let recorded = recorded();
    for (id, yaml) in AS_DATA {
        let built_in = trials::by_id(id).unwrap();
        // Only the id differs: hosts follow from it.
        let matrix = parse(&format!("  {id}: {yaml}\n"));
        assert_eq!(matrix.colliding_trials(trials::ids()).len(), 1);
        let own = matrix.own_trials().next().unwrap();
        assert_eq!(own.spec, built_in.spec(), "{id}");
        let catalogue = Catalogue::with(matrix.own_trials());
        let own = catalogue.trials().iter().copied().rfind(|trial| trial.id == id).unwrap();
        let mut outcomes = std::collections::BTreeSet::new();
        // Also those of other trials, most of which it must fail on.
        for (of, observation) in &recorded {
            let judged = own.judge(observation);
            assert_eq!(judged, built_in.judge(observation), "{id} on the observation of {of}");
            outcomes.insert(judged.outcome.to_string());
        }
        assert!(outcomes.contains("pass") && outcomes.contains("fail"), "{id}: {outcomes:?}");
    }
}

#[test]
fn a_trial_of_the_users_own_is_one_of_the_matrix() {
    let matrix =
        parse("  mine: { title: t, why: w, needs: { ats: \">=10\" }, expect: { client: { status: [200] } } }\n");
    let catalogue = Catalogue::with(matrix.own_trials());
    let mine = catalogue.by_id("mine").unwrap();
    assert_eq!(catalogue.ids().last(), Some(&"mine"));
    assert_eq!(catalogue.ids().len(), trials::ids().len() + 1);
    assert_eq!(catalogue.trials().len(), trials::CATALOGUE.len() + 1);
    assert_eq!(mine.unsupported(Some("9.2.9"), None), Some("it needs ATS >=10"));
    assert_eq!(mine.judge(&Observation::default()).outcome, Outcome::Error, "a client that did not run");
    assert!(Catalogue::built_in().by_id("mine").is_none() && trials::by_id("mine").is_none());
}

#[test]
fn what_is_not_recorded_is_an_error_and_no_pass() {
    let matrix = parse(
        "  mine: { title: t, why: w, expect: { client: { status: [200], no_headers: [age] }, logs: { lack: [oops] } } }\n",
    );
    let mine = Catalogue::with(matrix.own_trials()).by_id("mine").unwrap();
    let exchange = Exchange { status: Some(200), ..Exchange::default() };
    let seen = |exchange: Exchange, logs: &[&str]| {
        let line = |text: &&str| LogLine { trial: Some("mine".into()), file: LogFile::Error, text: (*text).to_owned() };
        let client = Some(ClientRun { exchanges: vec![exchange], ..ClientRun::default() });
        Observation { client, logs: logs.iter().map(line).collect(), ..Observation::default() }
    };
    let outcome = |observation: &Observation| {
        let judged = mine.judge(observation);
        (judged.outcome, judged.summary)
    };
    assert_eq!(outcome(&seen(exchange.clone(), &["fine"])).0, Outcome::Pass);
    assert_eq!(outcome(&seen(exchange.clone(), &["oops"])).0, Outcome::Fail);
    let (cut, why) = outcome(&seen(exchange.clone(), &["fine", LOG_CUT]));
    assert_eq!((cut, why.ends_with("more lines in the logs than are recorded")), (Outcome::Error, true), "{why}");
    let many = Exchange { headers: vec![("x".to_owned(), "y".to_owned()); 32], ..exchange };
    assert_eq!(outcome(&seen(many, &[])).0, Outcome::Error);
}

/// The names of all properties, and all words of enumerations, that belong to trials.
fn names(schema: &Value) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut words) = (Vec::new(), Vec::new());
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            keys.extend(properties.keys().cloned());
        }
        words.extend(value.get("const").and_then(Value::as_str).map(str::to_owned));
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    (keys, words)
}

#[test]
fn the_page_has_every_key_and_word_and_its_examples_are_valid() {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/own-trials.md")).unwrap();
    let examples: Vec<&str> = docs.split("```yaml\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    let [short, whole] = examples.as_slice() else { panic!("{} examples", examples.len()) };
    let files = [format!("version: 1\n{short}"), (*whole).to_owned()];
    let mut ids = 0;
    for text in files {
        let value: Value = serde_json::to_value(yaml(&text)).unwrap();
        let validator = jsonschema::validator_for(&trials_schema()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let named = format!("{MATRIX}trial_files: [x.yaml]\n");
        let matrix = Matrix::parse("matrix.yaml", &named).unwrap();
        let read = matrix.with_trial_files(|_| Ok(vec![TrialFile { name: "x.yaml".into(), text: text.clone() }]));
        ids += read.unwrap_or_else(|found| panic!("{found:#?}")).own_trials().count();
    }
    assert_eq!(ids, 6);
    let (keys, words) = names(&trials_schema());
    let missing: Vec<String> = keys.into_iter().filter(|key| !whole.contains(&format!("{key}:"))).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
    let missing: Vec<String> = words.into_iter().filter(|word| !docs.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "nothing about {missing:?}");
    // matrix.yaml takes the same trials.
    let (in_matrix, _) = names(&schema());
    assert!(
        ["trials", "trial_files", "whole_answers", "closed_by"].iter().all(|key| in_matrix.iter().any(|it| it == key))
    );
}

/// YAML that the schema is held against: the parser of the program, by way of its strict reading, is what is tested.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// A folder with a matrix.yaml that has a trial in it and one in a file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = MATRIX.to_owned();
    text += "trials:\n  in-the-matrix: { title: in it, why: w, expect: { client: { status: [200] } } }\n";
    text += "trial_files: [own/*.yaml]\n";
    fs::write(folder.path().join("matrix.yaml"), text).unwrap();
    fs::create_dir(folder.path().join("own")).unwrap();
    let in_file =
        "version: 1\ntrials:\n  in-a-file: { title: beside it, why: w, expect: { client: { status: [404] } } }\n";
    fs::write(folder.path().join("own/a.yaml"), in_file).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output =
        assert_cmd::Command::new(env!("CARGO_BIN_EXE_atsmatrix")).args(args).current_dir(folder).output().unwrap();
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    write!(said, "{}", String::from_utf8_lossy(&output.stderr)).unwrap();
    (output.status.code(), said)
}

#[test]
fn commands_know_the_trials_of_the_matrix() {
    let folder = folder();
    let (code, said) = run(folder.path(), &["list", "--trials", "--trial", "in-*"]);
    assert_eq!(code, Some(0), "{said}");
    for row in ["in-the-matrix", "in-a-file", "beside it"] {
        assert!(said.contains(row), "{said}");
    }
    let (code, said) = run(folder.path(), &["list", "--trial", "in-the-matrx"]);
    assert_eq!((code, said.contains("did you mean `in-the-matrix`?")), (Some(2), true), "{said}");
    let (code, said) = run(folder.path(), &["schema", "trials"]);
    assert!(code == Some(0) && said.contains("whole_answers"), "{said}");
    // Expectations may name them, and nothing else.
    let path = folder.path().join("matrix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let expecting = |trial: &str| {
        let entry = format!("expect: [{{ ats: [\"9.2.9\"], trials: [{trial}], verdict: fail, reason: r }}]\n");
        fs::write(&path, format!("{text}{entry}")).unwrap();
        run(folder.path(), &["list"])
    };
    assert_eq!(expecting("in-a-file").0, Some(0));
    let (code, said) = expecting("in-a-fiel");
    assert!(code == Some(2) && said.contains("matrix.yaml:9:36: expect: no trial matches `in-a-fiel`"), "{said}");
}

#[test]
fn mistakes_in_files_with_trials_name_the_file() {
    let folder = folder();
    let put = |text: &str| fs::write(folder.path().join("own/a.yaml"), text).unwrap();
    let trial = |id: &str| {
        format!("version: 1\ntrials:\n  {id}: {{ title: t, why: w, expect: {{ client: {{ status: [404] }} }} }}\n")
    };
    for (text, says) in [
        (trial("a").replace("title", "titel"), "own/a.yaml:3:8: trials.a: unknown key `titel`; did you mean `title`?"),
        (trial("tls12-only"), "own/a.yaml:3:3: trials.tls12-only: atsmatrix has a trial `tls12-only` of its own"),
        (
            trial("in-the-matrix"),
            "own/a.yaml:3:3: trials.in-the-matrix: matrix.yaml:7:3 has a trial `in-the-matrix` as well",
        ),
        ("version: 2\n".to_owned(), "own/a.yaml:1:10: version: unsupported format version `2`"),
        ("version: 1\n".to_owned(), "own/a.yaml:1:1: the key `trials` is missing"),
        (": [".to_owned(), "own/a.yaml:1:"),
    ] {
        put(&text);
        let (code, said) = run(folder.path(), &["list"]);
        assert!(code == Some(2) && said.contains(says), "{says}\n{said}");
    }
    fs::remove_file(folder.path().join("own/a.yaml")).unwrap();
    let (code, said) = run(folder.path(), &["list", "--trials"]);
    assert!(
        code == Some(2) && said.contains("matrix.yaml:8:15: trial_files[0]: no file matches `own/*.yaml`"),
        "{said}"
    );
}
