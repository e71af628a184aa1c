//! Shell commands that reproduce a cell's failure with docker and curl alone, for users without this program and its
//! recipes.
//!
//! They do what the recipes in `images/` do, with fewer checks and no pins, and with missing libraries taken from where
//! ATS was compiled. Everything quoted here comes from the user's own matrix.yaml.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ats::{Dialect, config};
use crate::config::plan::{BuildStep, BuildSystem, LocalRecipe, Plan, PlannedCell, Recipe, Work};
use crate::model::{Act, Front, OriginTls, Record, RecordType, Remap, Route, Speak, TrialSpec};

/// Packages needed to compile ATS 9, by family.
/// What compiles ATS, as words of a Dockerfile.
struct Compiler {
    /// Packages of Debian and its kin.
    debian: &'static str,
    /// Packages of Fedora and its kin.
    fedora: &'static str,
    /// The command that configures it, without further options.
    configure: &'static str,
    /// The command that compiles and installs it.
    make: &'static str,
}

/// For ATS 8 and 9.
const AUTOTOOLS: Compiler = Compiler {
    debian: "ca-certificates curl xz-utils bzip2 build-essential autoconf automake libtool pkg-config python3 flex bison \
             patch patchutils netbase libssl-dev tcl-dev libexpat1-dev libpcre3-dev libcap-dev libhwloc-dev \
             libncurses-dev libcurl4-openssl-dev libbrotli-dev libyaml-cpp-dev libunwind-dev zlib1g-dev",
    fedora: "gcc gcc-c++ make autoconf automake libtool pkgconf-pkg-config python3 flex bison patch patchutils binutils \
             diffutils file bzip2 tar xz openssl-devel tcl-devel expat-devel pcre-devel libcap-devel hwloc-devel \
             ncurses-devel libcurl-devel brotli-devel yaml-cpp-devel zlib-devel",
    configure: "autoreconf -if && ./configure --quiet --prefix=/opt/ats CFLAGS='-O1 -g0 -w' CXXFLAGS='-O1 -g0 -w'",
    make: "for dir in include src/tscpp/util lib src/tscore iocore proxy mgmt src rc configs; do make -C \"$dir\" \
           -j\"$(nproc)\" install || exit 1; done",
};

/// From ATS 10 on.
const CMAKE: Compiler = Compiler {
    debian: "ca-certificates curl bzip2 build-essential cmake ninja-build pkg-config patch patchutils netbase libssl-dev \
             libpcre2-dev zlib1g-dev libcap-dev libhwloc-dev libncurses-dev libcurl4-openssl-dev libbrotli-dev \
             libunwind-dev",
    fedora: "gcc gcc-c++ cmake ninja-build pkgconf-pkg-config patch patchutils binutils diffutils file bzip2 tar \
             openssl-devel pcre2-devel zlib-devel libcap-devel hwloc-devel ncurses-devel libcurl-devel brotli-devel",
    configure: "cmake -G Ninja -B build -DCMAKE_INSTALL_PREFIX=/opt/ats -DCMAKE_CXX_FLAGS='-O1 -g0 -w -DNDEBUG' \
                -DBUILD_TESTING=OFF",
    make: "cmake --build build && cmake --install build",
};

impl Compiler {
    fn of(system: BuildSystem) -> &'static Self {
        match system {
            BuildSystem::Autotools => &AUTOTOOLS,
            BuildSystem::Cmake => &CMAKE,
        }
    }
}

type Args = BTreeMap<String, String>;

/// Commands that make an image with the ATS of `cell`, named `ats-by-hand`. `None`: its image is a ready one, or
/// cannot be made in a few lines.
pub fn image(plan: &Plan, cell: &PlannedCell) -> Option<String> {
    image_of(plan, &cell.tag)
}

fn image_of(plan: &Plan, tag: &str) -> Option<String> {
    let (recipe, args) = match &step(plan, tag)?.work {
        Work::Recipe { recipe: Recipe::Upgrade, args } => return upgraded(plan, args),
        Work::Recipe { recipe, args } => (recipe, args),
        Work::Local { recipe: LocalRecipe::Dockerfile(it), args, .. } => {
            return own(plan, [&it.path, &it.context, &it.base_arg], args);
        }
        Work::Local { .. } | Work::Base { .. } | Work::Ready { .. } => return None,
    };
    let base = base(plan, args.get("BASE")?)?;
    let family = match recipe {
        Recipe::Runtime => return built(plan, args, &base),
        Recipe::Package(family) => family.as_str(),
        Recipe::Build(_)
        | Recipe::Rebuild(_)
        | Recipe::Upgrade
        | Recipe::Origin(_)
        | Recipe::Local
        | Recipe::Bootstrapper
        | Recipe::DnfBootstrapper => return None,
    };
    let package = format!("{}={}", args.get("PACKAGE")?, args.get("VERSION")?);
    let install = match family {
        "debian" => format!(
            "# The distro's own libraries first, or packages of an older release install theirs.\nRUN {}\nRUN \
             {}apt-get update && {APT} {package}\n",
            debian(args, "ca-certificates curl openssl"),
            sources(args)
        ),
        "fedora" => format!("RUN {}\n", fedora(args, &format!("curl openssl {}", package.replacen('=', "-", 1)))),
        _ => return None,
    };
    Some(format!(
        "BASE=${{BASE:-{base}}}\ndocker build --tag ats-by-hand --build-arg BASE=\"$BASE\" - <<'EOF'\nARG BASE\nFROM \
         $BASE\n{install}EOF\n"
    ))
}

/// The image of the cell before, upgraded in place.
fn upgraded(plan: &Plan, args: &Args) -> Option<String> {
    let before = image_of(plan, args.get("BASE")?)?;
    let upgrade = match args.get("FAMILY")?.as_str() {
        "debian" => {
            let sources = args.get("SOURCES")?.split(';').map(str::trim).filter(|line| !line.is_empty());
            let sources: Vec<String> =
                sources.filter(|line| !line.contains('\'')).map(|line| format!(" '{line}'")).collect();
            format!(
                "RUN rm -f /etc/apt/sources.list.d/* /etc/apt/preferences.d/* && printf '%s\\n'{} >/etc/apt/sources.list\nRUN \
                 apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -y -o Dpkg::Options::=--force-confold dist-upgrade\n",
                sources.concat()
            )
        }
        "fedora" => format!("RUN dnf -y --releasever={} distro-sync --allowerasing\n", args.get("RELEASE")?),
        _ => return None,
    };
    Some(format!("{before}docker build --tag ats-by-hand - <<'EOF'\nFROM ats-by-hand\n{upgrade}EOF\n"))
}

/// The user's own Dockerfile, built in the folder of matrix.yaml.
fn own(plan: &Plan, [path, context, base_arg]: [&str; 3], args: &Args) -> Option<String> {
    let base = base(plan, args.get(base_arg)?)?;
    let others = args.iter().filter(|(name, value)| *name != base_arg && !value.contains('\''));
    let others: Vec<String> = others.map(|(name, value)| format!(" --build-arg {name}='{value}'")).collect();
    let others = others.concat();
    let context = if context.is_empty() { "." } else { context };
    Some(format!(
        "BASE=${{BASE:-{base}}}\ndocker build --tag ats-by-hand --build-arg {base_arg}=\"$BASE\"{others} --file {path} \
         {context}\n"
    ))
}

/// Commands that run `cell` beside a TLS origin and send a request with the settings of the trial `spec`. `None` for a
/// trial that they cannot reproduce: one about another origin, another client, names or certificates.
pub fn run(cell: &PlannedCell, spec: &TrialSpec) -> Option<String> {
    let dialect = Dialect::of(&cell.version.parse().ok()?)?;
    let plain = spec.route == Route::Ats
        && spec.sni.is_empty()
        && !spec.cache
        && spec.remap == Remap::ByName
        && spec.client.front == Front::Http
        && matches!(spec.client.act, Act::Requests(_))
        && matches!(spec.origin.speak, Speak::Http { .. })
        && spec.origin.tls == Some(OriginTls::default());
    let verifies = |record: &Record| record.name.contains(".verify.server") || record.value.contains('{');
    if !plain || spec.records.iter().any(verifies) {
        return None;
    }
    // The origin below has a self-signed certificate, which ATS 10 refuses by default.
    let policy = Record {
        name: "proxy.config.ssl.client.verify.server.policy".into(),
        kind: RecordType::String,
        value: "PERMISSIVE".into(),
    };
    let lenient = (dialect > Dialect::V8).then_some(policy);
    let wanted: Vec<Record> = spec.records.iter().cloned().chain(lenient).collect();
    let settings = config::translated(dialect, &wanted).ok()?;
    let prefix = cell.binary.as_deref().and_then(|binary| binary.strip_suffix("/bin/traffic_server"));
    let (etc, log, program) = match prefix {
        Some(prefix) if prefix != "/usr" => (
            format!("{prefix}/etc/trafficserver"),
            format!("{prefix}/var/log/trafficserver"),
            format!("{prefix}/bin/traffic_server"),
        ),
        _ => ("/etc/trafficserver".into(), "/var/log/trafficserver".into(), "traffic_server".into()),
    };
    let fixed = [
        ("proxy.config.admin.user_id", "#-1"),
        ("proxy.config.log.max_secs_per_buffer", "1"),
        ("proxy.config.log.periodic_tasks_interval", "1"),
    ];
    let own = settings.iter().map(|record| (record.name.as_str(), record.value.as_str()));
    let env: Vec<String> = fixed.into_iter().chain(own).filter_map(|(name, value)| environment(name, value)).collect();
    let text = RUN
        .replace("ETC", &etc)
        .replace("LOG", &log)
        .replace("PROGRAM", &program)
        .replace("ENV", &env.iter().map(|one| format!("  --env {one}")).collect::<Vec<_>>().join(" \\\n"));
    Some(text)
}

/// The template of the commands.
const RUN: &str = r#"IMAGE=${IMAGE:-ats-by-hand}
NAME=ats-by-hand-$$
trap 'docker rm --force "$NAME" "$NAME-origin"; docker network rm "$NAME"' EXIT
docker network create "$NAME"
docker run --detach --name "$NAME-origin" --network "$NAME" --network-alias origin.test \
  --entrypoint sh "$IMAGE" -c '
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout /tmp/key.pem -out /tmp/cert.pem \
      -subj /CN=origin.test -addext subjectAltName=DNS:origin.test
    exec openssl s_server -accept 8443 -key /tmp/key.pem -cert /tmp/cert.pem -www'
docker run --detach --name "$NAME" --network "$NAME" \
ENV \
  --entrypoint sh "$IMAGE" -c '
    mkdir -p /run/trafficserver
    echo "map http://repro.t/ https://origin.test:8443/" >ETC/remap.config
    exec PROGRAM'
for second in $(seq 30); do
  docker exec "$NAME" curl --silent --output /dev/null http://127.0.0.1:8080/ && break
  sleep 1
done
docker exec "$NAME" curl --silent --insecure --output /dev/null \
  --write-out 'straight to the origin: %{http_code}\n' https://origin.test:8443/
docker exec "$NAME" curl --silent --output /dev/null \
  --write-out 'through ATS: %{http_code}\n' --header 'Host: repro.t' http://127.0.0.1:8080/
sleep 6 # ATS writes error.log late
docker exec "$NAME" cat LOG/error.log || echo no error was logged
"#;

/// A setting as an environment variable, which every ATS reads: its name in upper case.
fn environment(name: &str, value: &str) -> Option<String> {
    let plain = !value.contains('\'') && name.starts_with("proxy.config.");
    plain.then(|| format!("{}='{value}'", name.to_ascii_uppercase().replace('.', "_")))
}

fn step<'a>(plan: &'a Plan, tag: &str) -> Option<&'a BuildStep> {
    plan.steps().iter().find(|step| step.tag == tag)
}

/// The reference of a base image; if matrix.yaml has only a bootstrap, the distro's usual image.
fn base(plan: &Plan, tag: &str) -> Option<String> {
    match &step(plan, tag)?.work {
        Work::Base { image: Some(image), .. } | Work::Ready { reference: image } => Some(image.clone()),
        Work::Base { bootstrap: Some(bootstrap), .. } => Some(bootstrap.usual_image()),
        _ => None,
    }
}

/// Commands for an ATS that is compiled, perhaps on another base than it runs on.
fn built(plan: &Plan, args: &Args, base_image: &str) -> Option<String> {
    let mut patches = Vec::new();
    let mut tag = args.get("BUILD")?;
    // From the last rebuild down to the build of the tarball.
    let (system, build) = loop {
        let Work::Recipe { recipe, args } = &step(plan, tag)?.work else { return None };
        patches.insert(0, args.get("PATCHES").cloned().unwrap_or_default());
        if let Recipe::Build(system) = recipe {
            break (*system, args);
        }
        tag = args.get("BUILD")?;
    };
    let build_image = base(plan, build.get("BASE")?)?;
    let family = |args: &Args| args.get("FAMILY").cloned().unwrap_or_else(|| "debian".into());
    let install = |args: &Args, debians: &str, fedoras: &str| match family(args).as_str() {
        "debian" => format!("{}{}", sources(args), debian(args, debians)),
        _ => fedora(args, fedoras),
    };
    let compiler = Compiler::of(system);
    let debians = format!("{} {}", compiler.debian, args_words(build));
    let mut text = format!(
        "BASE=${{BASE:-{base_image}}}\nBUILD=${{BUILD:-{build_image}}}\ndocker build --tag ats-by-hand --build-arg \
         BASE=\"$BASE\" --build-arg BUILD=\"$BUILD\" - <<'EOF'\nARG BASE\nARG BUILD\nFROM $BUILD AS build\nRUN \
         {}\nWORKDIR /usr/src/ats\n{}",
        install(build, debians.trim_end(), compiler.fedora),
        source(build)?
    );
    for patch in patches.iter().flat_map(|lines| lines.split(';')).filter(|line| !line.trim().is_empty()) {
        text.push_str(&apply(patch)?);
    }
    let configure = build.get("CONFIGURE").map(String::as_str).unwrap_or_default();
    let _ = write!(
        text,
        "RUN {} {configure}\nRUN {}\nRUN mkdir /needed && ldd /opt/ats/bin/traffic_server | awk '$3 ~ /^\\// {{print \
         $3}}' | xargs cp -Lt /needed\n\nFROM $BASE\nRUN {}\n{LIBRARIES}EOF\n",
        compiler.configure,
        compiler.make,
        match family(args).as_str() {
            "debian" => debian(args, "ca-certificates curl openssl"),
            _ => fedora(args, "curl openssl"),
        },
    );
    Some(text)
}

/// The last lines of the recipe.
const LIBRARIES: &str = r#"COPY --from=build /opt/ats /opt/ats
COPY --from=build /needed /needed
# Libraries that this distro lacks come from where ATS was compiled; all others are its own.
RUN missing() { ldd /opt/ats/bin/traffic_server | awk '/=> not found/ {print $1}'; }; \
    while [ -n "$(missing)" ]; do \
      for lib in $(missing); do cp "/needed/$lib" /usr/local/lib/ || exit 1; done; ldconfig; \
    done; /opt/ats/bin/traffic_server -V
"#;

fn args_words(args: &Args) -> &str {
    args.get("APT_PACKAGES").map(String::as_str).unwrap_or_default()
}

/// Downloads and unpacks the tarball.
fn source(args: &Args) -> Option<String> {
    let url = args.get("URLS")?.split(' ').next().filter(|url| !url.contains('\''))?;
    let check = match (args.get("SHA256"), args.get("SIGNATURE_URL")) {
        (Some(sha256), _) => format!(" \\\n && echo '{sha256}  /tmp/source' | sha256sum -c"),
        (None, Some(signature)) => format!(" \\\n && : signed, see {signature}"),
        (None, None) => String::new(),
    };
    Some(format!("RUN curl -fsSL -o /tmp/source '{url}'{check} \\\n && tar -xf /tmp/source --strip-components=1\n"))
}

/// Downloads and applies a patch, given as a line of `PATCHES`.
fn apply(line: &str) -> Option<String> {
    let words = |key: &str| -> Vec<&str> { line.split(' ').filter_map(|word| word.strip_prefix(key)).collect() };
    let (url, sha256) = (*words("url=").first()?, *words("sha256=").first()?);
    if line.contains('\'') {
        return None;
    }
    let get =
        words("file=").first().map_or("cat /tmp/patch".to_owned(), |file| format!("tar -xOf /tmp/patch '{file}'"));
    let only: String = words("only=").iter().flat_map(|glob| [" --include='", glob, "'"]).collect();
    let only = if only.is_empty() { String::new() } else { format!(" | filterdiff --strip-match=1{only}") };
    Some(format!(
        "RUN curl -fsSL -o /tmp/patch '{url}' \\\n && echo '{sha256}  /tmp/patch' | sha256sum -c \\\n && {get}{only} | \
         patch -p1\n"
    ))
}

const APT: &str = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends";

/// Commands before an installation that add package sources with a lower priority than the distro's own.
fn sources(args: &Args) -> String {
    let sources = args.get("APT_SOURCES").map(String::as_str).unwrap_or_default();
    let mut text = String::new();
    for line in sources.split(';').map(str::trim).filter(|line| !line.is_empty() && !line.contains('\'')) {
        let suite = line.split(' ').filter(|word| !word.starts_with('[')).nth(2).unwrap_or_default();
        let pin = format!("Package: *\\nPin: release n={suite}\\nPin-Priority: 100\\n");
        let _ = write!(
            text,
            "echo '{line}' >>/etc/apt/sources.list.d/more.list && printf '{pin}\\n' >>/etc/apt/preferences.d/more && "
        );
    }
    text
}

fn debian(args: &Args, packages: &str) -> String {
    let late = match args.get("APT_CHECK_VALID_UNTIL").map(String::as_str) {
        Some("false") => "echo 'Acquire::Check-Valid-Until \"false\";' >/etc/apt/apt.conf.d/late && ",
        _ => "",
    };
    format!("{late}apt-get update && {APT} {packages}")
}

/// Fedora releases without updates have their packages in the archive.
fn fedora(args: &Args, packages: &str) -> String {
    let archive = args.get("REPO_BASEURL").map(String::as_str).unwrap_or_default();
    let urls = archive.split(';').map(str::trim).filter(|url| !url.is_empty() && !url.contains('\''));
    let repos: Vec<String> = urls.enumerate().map(|(at, url)| format!(" --repofrompath='archive{at},{url}'")).collect();
    let only = if repos.is_empty() { "" } else { " --repo='archive*' --nogpgcheck" };
    format!("dnf -y{}{only} install {packages}", repos.concat())
}
