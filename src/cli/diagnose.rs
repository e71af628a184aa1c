//! `atsmatrix diagnose`: known issues in the captures and logs of a host, without an engine.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::PathArgs;
use super::format::AnswerFormat;
use crate::catalogue::known_issues::EvidenceSource;
use crate::console;
use crate::decide::diagnose::{self, Diagnosis, HostEvidence, HostVersions};
use crate::exit::{Exit, Failure};
use crate::model::{LogFile, Version};
use crate::wire::{FlowStream, capture_file, tcpdump};

/// Longest line of a log that is read, bytes; the rest of a longer one is skipped.
const MAX_LINE: u64 = 64 * 1024;

/// Arguments of `atsmatrix diagnose`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tcpdump -ni any -w ats.pcap 'tcp port 443'\n  atsmatrix diagnose --pcap ats.pcap --log \
                        /var/log/trafficserver/error.log --ats 9.2.5 --openssl 3.2.1 --distro fedora-40\n\n\
                        Exit codes: 0 diagnosed, 2 a file cannot be read. `atsmatrix --help` lists the others."
)]
pub(super) struct DiagnoseArgs {
    /// Capture of ATS's connections: pcap, pcapng, or the text that `tcpdump -n` prints
    #[arg(long, value_name = "FILE")]
    pcap: Vec<PathBuf>,
    /// Log of ATS: error.log, diags.log or traffic.out
    #[arg(long, value_name = "FILE", required_unless_present = "pcap")]
    log: Vec<PathBuf>,
    /// Version of ATS, as `traffic_server -V` reports it
    #[arg(long, value_name = "VERSION", value_parser = version)]
    ats: Option<String>,
    /// Version of OpenSSL that ATS loads
    #[arg(long, value_name = "VERSION", value_parser = version)]
    openssl: Option<String>,
    /// Distro by ID and `VERSION_ID` of os-release, such as fedora-40
    #[arg(long, value_name = "ID-VERSION", value_parser = distro)]
    distro: Option<(String, String)>,
    /// Matrix whose cells can prove an issue
    #[arg(long, short, value_name = "FILE", default_value = "matrix.yaml")]
    matrix: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

fn version(text: &str) -> Result<String, String> {
    text.parse::<Version>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn distro(text: &str) -> Result<(String, String), String> {
    let (id, version) =
        text.rsplit_once('-').ok_or("write the ID and the VERSION_ID of os-release, such as fedora-40")?;
    Ok((id.to_owned(), version.to_owned()))
}

pub(super) fn run(options: &DiagnoseArgs) -> anyhow::Result<Exit> {
    let mut evidence = HostEvidence::default();
    for path in &options.pcap {
        read_capture(path, &mut evidence)?;
        evidence.given(EvidenceSource::Capture);
    }
    for path in &options.log {
        read_log(path, &mut evidence)?;
    }
    let versions =
        HostVersions { ats: options.ats.clone(), openssl: options.openssl.clone(), distro: options.distro.clone() };
    // It only names cells; a host need not have one.
    let matrix = PathArgs { matrix: options.matrix.clone(), results: None }.read().ok();
    let diagnosis = Diagnosis::of(&evidence, versions, matrix.as_ref().map(|(matrix, _)| matrix));
    let answer = options.format.show(&diagnose::outline(&diagnosis), || diagnose::json(&diagnosis));
    console::print_document(&answer)?;
    Ok(Exit::Success)
}

/// Reads a capture, or its text.
fn read_capture(path: &Path, evidence: &mut HostEvidence) -> anyhow::Result<()> {
    let mut flows = FlowStream::default();
    let mut add = |evidence: &mut HostEvidence, at_us, segment: &_, payload: &[u8]| {
        flows.push(at_us, segment, payload).into_iter().for_each(|flow| evidence.add_flow(flow));
    };
    let mut file = open(path)?;
    let beginning = file.fill_buf().with_context(|| format!("cannot read {}", path.display()))?;
    let is_text = beginning.iter().take(512).all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
    if is_text {
        let mut count = 0;
        for_each_line(&mut file, path, |line| {
            if let Some(segment) = tcpdump::segment(line) {
                count += 1;
                add(evidence, count, &segment, b"");
            }
        })?;
        if count == 0 {
            return Err(unusable(
                path,
                "no TCP packet in it: write a capture file (`tcpdump -w`), or text with numeric \
                                       addresses (`tcpdump -n`)",
            ));
        }
    } else {
        let summary = capture_file::read(file, |it| add(evidence, it.at_us, &it.segment, it.payload))
            .map_err(|error| unusable(path, &error.to_string()))?;
        if summary.cut {
            console::eprint(&format!("note: {} ends within a packet; the others were read\n", path.display()));
        }
        if summary.packets == summary.ignored {
            return Err(unusable(path, "no TCP packet in it"));
        }
    }
    flows.finish().into_iter().for_each(|flow| evidence.add_flow(flow));
    Ok(())
}

fn read_log(path: &Path, evidence: &mut HostEvidence) -> anyhow::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let file = if name.contains("diags") {
        LogFile::Diags
    } else if name.contains("error") {
        LogFile::Error
    } else {
        LogFile::Output
    };
    evidence.given(EvidenceSource::Log(file.name()));
    for_each_line(&mut open(path)?, path, |line| {
        // Whatever the file is called, such a line is of error.log.
        let is_failure = crate::ats::log::connect_failure(line).is_some();
        evidence.add_line(if is_failure { LogFile::Error } else { file }, line);
    })
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
}

/// Gives each line to `take`, the rest of a very long one left out.
fn for_each_line(file: &mut BufReader<File>, path: &Path, mut take: impl FnMut(&str)) -> anyhow::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.with_context(|| format!("cannot read {}", path.display()))? == 0 {
            return Ok(());
        }
        take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        if line.last() != Some(&b'\n') {
            skip_line(file).with_context(|| format!("cannot read {}", path.display()))?;
        }
    }
}

fn skip_line(file: &mut BufReader<File>) -> io::Result<()> {
    loop {
        let buffer = file.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        file.consume(used);
        if end.is_some() || used == 0 {
            return Ok(());
        }
    }
}

fn unusable(path: &Path, why: &str) -> anyhow::Error {
    Failure { exit: Exit::Usage, message: format!("{}: {why}", path.display()) }.into()
}
