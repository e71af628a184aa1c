//! The request that creates a container.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ResourcesUlimits};

use super::Quirks;
use crate::engine::error::{Class, EngineError};
use crate::engine::{ContainerSpec, ENV_MAX, Result};

/// Checks the size of the environment: the kernel's own error would be "argument list too long", from inside the engine.
pub(super) fn check_env(spec: &ContainerSpec) -> Result<()> {
    let too_long = spec.env.iter().find(|(name, value)| name.len() + 1 + value.len() > ENV_MAX);
    let Some((name, value)) = too_long else { return Ok(()) };
    let reason = format!("its environment variable {name} has {} bytes; Linux allows {ENV_MAX}", value.len());
    Err(EngineError::new("start container", &spec.name, Class::Other, &reason))
}

/// The request that creates the container of `spec`.
pub(super) fn create_body(spec: &ContainerSpec, quirks: Quirks) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: spec.command.clone(),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        hostname: spec.hostname.clone(),
        attach_stdin: Some(!spec.as_delivered),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        // Open once: when this process's connection closes, even by kill -9, the container reads end of file.
        open_stdin: Some(!spec.as_delivered),
        stdin_once: Some(!spec.as_delivered),
        // Here and not in a layer of the image, which would take the classic builder seconds.
        user: (!spec.as_delivered).then(|| "0:0".to_owned()),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        host_config: Some(host_config(spec, quirks)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec, quirks: Quirks) -> HostConfig {
    // Limits beyond i64 are no limits.
    let bytes = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
    let memory = spec.memory.filter(|_| quirks.limits_memory).map(bytes);
    let log = spec.log_bytes.map(|size| {
        HashMap::from([("max-size".to_owned(), size.to_string()), ("max-file".to_owned(), "1".to_owned())])
    });
    let joined = spec.joins.as_ref().map(|id| format!("container:{id}"));
    HostConfig {
        network_mode: joined.clone().or_else(|| spec.network.clone()).or_else(|| Some("none".to_owned())),
        pid_mode: joined,
        cap_drop: (!spec.as_delivered).then(|| vec!["ALL".to_owned()]),
        cap_add: Some(spec.capabilities.clone()),
        readonly_rootfs: Some(spec.read_only),
        sysctls: (!spec.sysctls.is_empty()).then(|| spec.sysctls.clone().into_iter().collect()),
        tmpfs: Some(spec.tmpfs.clone().into_iter().collect()),
        memory,
        memory_swap: memory,
        pids_limit: spec.pids.filter(|_| quirks.limits_pids).map(i64::from),
        security_opt: spec.no_new_privileges.then(|| vec!["no-new-privileges".to_owned()]),
        ulimits: spec.nofile.filter(|_| quirks.sets_nofile).map(|limit| {
            vec![ResourcesUlimits {
                name: Some("nofile".to_owned()),
                soft: Some(i64::from(limit)),
                hard: Some(i64::from(limit)),
            }]
        }),
        log_config: Some(HostConfigLogConfig { typ: Some(quirks.log_driver.to_owned()), config: log }),
        // If the engine removed it, its exit code would be lost before it is read.
        auto_remove: Some(false),
        ..HostConfig::default()
    }
}
