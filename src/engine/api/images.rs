//! Images: inspect, list, tag, remove, pull, import.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::body_try_stream;
use bollard::errors::Error as ApiError;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions, TagImageOptionsBuilder};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;

use super::raw::RawError;
use super::{ApiEngine, describe, raw_failed};
use crate::engine::error::{Class, EngineError};
use crate::engine::lines::one_line;
use crate::engine::{BuildSpec, ImageInfo, Labels, OnLine, Result, TarStream};

/// How long a registry may take until the engine reports the first progress of a pull. If the registry is
/// unreachable, packets may be dropped silently.
const FIRST_PROGRESS: Duration = Duration::from_secs(20);

/// How long a running pull may report no progress. Unpacking a large layer reports more often.
const NEXT_PROGRESS: Duration = Duration::from_mins(2);

/// Longest progress line passed on, bytes.
const MAX_PROGRESS: usize = 300;

/// The relevant part of an inspected image.
#[derive(Deserialize)]
struct InspectedImage {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "RepoTags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "Config")]
    config: Option<ImageConfig>,
    #[serde(rename = "Size", default)]
    size: u64,
}

#[derive(Deserialize, Default)]
struct ImageConfig {
    #[serde(rename = "Labels")]
    labels: Option<Labels>,
    #[serde(rename = "Entrypoint")]
    entrypoint: Option<Vec<String>>,
    #[serde(rename = "Cmd")]
    cmd: Option<Vec<String>>,
    #[serde(rename = "User")]
    user: Option<String>,
}

/// The relevant part of a listed image.
#[derive(Deserialize)]
struct ListedImage {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "RepoTags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "Labels")]
    labels: Option<Labels>,
    #[serde(rename = "Size", default)]
    size: u64,
}

fn image(id: String, tags: Option<Vec<String>>, labels: Option<Labels>, size: u64) -> ImageInfo {
    let mut tags = tags.unwrap_or_default();
    tags.retain(|tag| tag != "<none>:<none>");
    // Podman writes this prefix where Docker writes NAME:TAG.
    for tag in &mut tags {
        if let Some(short) = tag.strip_prefix("docker.io/library/") {
            *tag = short.to_owned();
        }
    }
    tags.sort();
    // Podman omits the algorithm.
    let id = if id.contains(':') { id } else { format!("sha256:{id}") };
    ImageInfo { id, tags, labels: labels.unwrap_or_default(), size, ..ImageInfo::default() }
}

impl ApiEngine {
    pub(super) async fn find_image(&self, reference: &str) -> Result<Option<ImageInfo>> {
        match self.raw.get::<InspectedImage>(&format!("/images/{reference}/json"), &[]).await {
            Ok(it) => {
                let ImageConfig { labels, entrypoint, cmd, user } = it.config.unwrap_or_default();
                let command = [entrypoint, cmd].into_iter().flatten().flatten().collect();
                let found = image(it.id, it.tags, labels, it.size);
                Ok(Some(ImageInfo { command, user: user.unwrap_or_default(), ..found }))
            }
            Err(error) if error.class == Class::NotFound => Ok(None),
            Err(error) => Err(raw_failed("inspect image", reference)(error)),
        }
    }

    /// The image that `operation` has just made.
    pub(super) async fn made_image(&self, operation: &'static str, reference: &str) -> Result<ImageInfo> {
        self.find_image(reference).await?.ok_or_else(|| {
            EngineError::new(
                operation,
                reference,
                Class::NotFound,
                "the engine reported success but does not have the image",
            )
        })
    }

    pub(super) async fn list_images(&self, label: &str) -> Result<Vec<ImageInfo>> {
        let filters = serde_json::json!({ "label": [label] }).to_string();
        self.images(&[("filters", &filters)]).await.map_err(raw_failed("list images with label", label))
    }

    /// Filters here, because engines differ in what their filter by reference matches.
    pub(super) async fn list_repository(&self, repository: &str) -> Result<Vec<ImageInfo>> {
        let mut images = self.images(&[]).await.map_err(raw_failed("list images of", repository))?;
        images.retain(|image| image.tags_of(repository).next().is_some());
        Ok(images)
    }

    async fn images(&self, query: &[(&str, &str)]) -> std::result::Result<Vec<ImageInfo>, RawError> {
        let found: Vec<ListedImage> = self.raw.get("/images/json", query).await?;
        let mut images: Vec<ImageInfo> =
            found.into_iter().map(|it| image(it.id, it.tags, it.labels, it.size)).collect();
        images.sort_by(|a, b| a.id.cmp(&b.id));
        // Podman lists an image once for each of its tags.
        images.dedup_by(|a, b| a.id == b.id);
        Ok(images)
    }

    pub(super) async fn tag_image(&self, image: &str, tag: &str) -> Result<()> {
        let (repo, tag_part) = split_reference(tag);
        let options = TagImageOptionsBuilder::default().repo(repo).tag(tag_part).build();
        self.docker.tag_image(image, Some(options)).await.map_err(|error| describe("tag image", image, error))
    }

    pub(super) async fn drop_image(&self, reference: &str) -> Result<()> {
        match self.docker.remove_image(reference, None::<RemoveImageOptions>, None).await {
            Ok(_) | Err(ApiError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(describe("remove image", reference, error)),
        }
    }

    pub(super) async fn pull_image(&self, reference: &str, on_progress: OnLine<'_>) -> Result<ImageInfo> {
        let (name, tag) = split_reference(reference);
        let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
        let credentials = self.credentials.of_image(reference).await;
        let events = self.without_timeout().create_image(Some(options), None, credentials);
        follow_pull(reference, events, on_progress).await?;
        self.made_image("pull image", reference).await
    }

    /// Imports under a temporary name and moves `tag` once the image is complete: Podman makes an image even of
    /// a truncated stream, and gives it the requested name.
    pub(super) async fn import_image(&self, tag: &str, labels: &Labels, tar: TarStream) -> Result<ImageInfo> {
        let random = getrandom::u64()
            .map_err(|error| EngineError::new("import image", tag, Class::Other, &error.to_string()))?;
        let part = format!("{tag}.{random:016x}.part");
        let imported = async {
            let made = self.import_as(&part, tag, labels, tar).await?;
            self.tag_image(&made.id, tag).await
        };
        let imported = imported.await;
        // If this fails, a name is left that takes no space. The error of the import matters more.
        let _ = self.drop_image(&part).await;
        imported?;
        self.made_image("import image", tag).await
    }

    /// Imports as `part`; errors name `tag`.
    async fn import_as(&self, part: &str, tag: &str, labels: &Labels, tar: TarStream) -> Result<ImageInfo> {
        let changes = labels.iter().map(|(key, value)| label_change(key, value)).collect();
        // The whole reference goes into `repo`, as in the docker client: Podman ignores `tag` here.
        let options = CreateImageOptionsBuilder::default().from_src("-").repo(part).changes(changes).build();
        let broken = Arc::new(Mutex::new(None));
        let source = {
            let broken = Arc::clone(&broken);
            tar.inspect(move |piece| {
                if let Err(error) = piece {
                    *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                }
            })
        };
        let mut events =
            Box::pin(self.without_timeout().create_image(Some(options), Some(body_try_stream(source)), None));
        while let Some(event) = events.next().await {
            if let Err(error) = event {
                // The engine only sees its client disconnect; the real reason is the source's error.
                let cause = broken.lock().unwrap_or_else(PoisonError::into_inner).take();
                return Err(match cause {
                    Some(cause) => EngineError::from_engine("import image", tag, Class::Other, &cause),
                    None => describe("import image", tag, error),
                });
            }
        }
        let made = self.made_image("import image", part).await?;
        if labels.iter().all(|(key, value)| made.labels.get(key) == Some(value)) {
            return Ok(made);
        }
        self.label_image(part, &made.id, labels).await
    }

    /// Labels an imported image by a build, for engines that ignore `changes`.
    async fn label_image(&self, tag: &str, id: &str, labels: &Labels) -> Result<ImageInfo> {
        let failed = |error: std::io::Error| EngineError::new("label image", tag, Class::Other, &error.to_string());
        let recipe = format!("FROM {id}\n");
        let mut context = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(recipe.len() as u64);
        header.set_mode(0o644);
        context.append_data(&mut header, "Containerfile", recipe.as_bytes()).map_err(failed)?;
        let spec = BuildSpec {
            context: context.into_inner().map_err(failed)?.into(),
            containerfile: "Containerfile".to_owned(),
            labels: labels.clone(),
            tag: tag.to_owned(),
            ..BuildSpec::default()
        };
        self.build_image(&spec, &mut |_| {}).await
    }
}

/// Follows a pull to its end; gives up if there is no progress.
async fn follow_pull(
    reference: &str,
    events: impl Stream<Item = std::result::Result<CreateImageInfo, ApiError>>,
    on_progress: OnLine<'_>,
) -> Result<()> {
    let unreachable = |reason: &str| EngineError::from_engine("pull image", reference, Class::Unreachable, reason);
    let mut events = std::pin::pin!(events);
    let mut timeout = FIRST_PROGRESS;
    loop {
        let event = tokio::time::timeout(timeout, events.next())
            .await
            .map_err(|_| unreachable(&format!("no progress within {} s", timeout.as_secs())))?;
        match event {
            None => return Ok(()),
            Some(Ok(event)) => on_progress(&progress_line(&event)),
            Some(Err(
                ApiError::DockerResponseServerError { message, .. } | ApiError::DockerStreamError { error: message },
            )) => {
                return Err(unreachable(&message));
            }
            // Here the engine cannot be reached, not the registry.
            Some(Err(error)) => {
                let error = describe("pull image", reference, error);
                let class = if error.class == Class::Unreachable { Class::Interrupted } else { error.class };
                return Err(EngineError { class, ..error });
            }
        }
        timeout = NEXT_PROGRESS;
    }
}

fn progress_line(event: &CreateImageInfo) -> String {
    let status = event.status.as_deref().unwrap_or_default();
    let line = match (&event.id, event.progress_detail.as_ref().and_then(|it| it.current.zip(it.total))) {
        (Some(id), Some((current, total))) if total > 0 => format!("{id}: {status} {}%", current * 100 / total),
        (Some(id), _) => format!("{id}: {status}"),
        (None, _) => status.to_owned(),
    };
    one_line(&line, MAX_PROGRESS)
}

/// A reference as the API expects it: name, and tag or digest. Without a tag the API would pull all tags.
fn split_reference(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name, digest);
    }
    match reference.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

/// A label as an instruction of a Containerfile, with backslash, quote and `$` (which would be expanded) escaped.
fn label_change(key: &str, value: &str) -> String {
    let quote = |text: &str| {
        let mut quoted = String::from('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\' | '$') {
                quoted.push('\\');
            }
            quoted.push(if c == '\n' { ' ' } else { c });
        }
        quoted + "\""
    };
    format!("LABEL {}={}", quote(key), quote(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ProgressDetail;
    use futures_util::stream;

    #[test]
    fn references_are_split_into_name_and_tag_or_digest() {
        for (reference, parts) in [
            ("debian", ("debian", "latest")),
            ("debian:12", ("debian", "12")),
            ("registry.example:5000/a/b", ("registry.example:5000/a/b", "latest")),
            ("registry.example:5000/a/b:x", ("registry.example:5000/a/b", "x")),
            ("quay.io/a@sha256:0123", ("quay.io/a", "sha256:0123")),
        ] {
            assert_eq!(split_reference(reference), parts);
        }
    }

    #[test]
    fn labels_are_quoted() {
        assert_eq!(label_change("a.b", "x \"$HOME\" \\"), r#"LABEL "a.b"="x \"\$HOME\" \\""#);
    }

    #[test]
    fn progress_is_reported_in_percent_of_a_layer() {
        let detail = ProgressDetail { current: Some(50), total: Some(200) };
        let event = CreateImageInfo {
            id: Some("aa".to_owned()),
            status: Some("Downloading".to_owned()),
            progress_detail: Some(detail),
            ..CreateImageInfo::default()
        };
        assert_eq!(progress_line(&event), "aa: Downloading 25%");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pull_without_any_progress_is_given_up_after_its_deadline() {
        let begun = tokio::time::Instant::now();
        let error = follow_pull("quay.io/x:1", stream::pending(), &mut |_| {}).await.unwrap_err();
        assert_eq!(begun.elapsed(), FIRST_PROGRESS);
        assert_eq!(error.class, Class::Unreachable);
        assert_eq!(error.to_string(), "cannot pull image quay.io/x:1: no progress within 20 s");
    }

    #[tokio::test]
    async fn a_registrys_refusal_is_reported_in_its_own_words() {
        let refusal =
            ApiError::DockerStreamError { error: "toomanyrequests: You have reached your\npull rate limit".to_owned() };
        let error = follow_pull("x:1", stream::iter([Err(refusal)]), &mut |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot pull image x:1: toomanyrequests: You have reached your pull rate limit");
    }
}
