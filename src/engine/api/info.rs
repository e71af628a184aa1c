//! The description of an engine, from its own report.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::SystemInfo;
use bollard::query_parameters::ListNetworksOptionsBuilder;

use super::describe;
use crate::engine::discovery::Endpoint;
use crate::engine::{EngineInfo, EngineKind, Result};

/// Networks that fit into Docker's built-in pools: 172.17-31.x/16 and 192.168.x/20
/// (moby, libnetwork/ipamutils). `bridge` is one of them.
const DEFAULT_POOLS: u32 = 31;

/// Queries the engine behind `docker`, which listens at `endpoint`.
pub(super) async fn info(docker: &Docker, endpoint: &Endpoint) -> Result<EngineInfo> {
    let failed = |error| describe("query engine", &endpoint.to_string(), error);
    let version = docker.version().await.map_err(failed)?;
    let info = docker.info().await.map_err(failed)?;
    let bridges = HashMap::from([("driver", vec!["bridge"])]);
    let networks = docker
        .list_networks(Some(ListNetworksOptionsBuilder::default().filters(&bridges).build()))
        .await
        .map_err(failed)?;
    let components = version.components.unwrap_or_default();
    let kind = EngineKind::of_components(components.iter().map(|component| component.name.as_str()));
    let spoken = docker.client_version();
    Ok(EngineInfo {
        kind,
        version: version.version.unwrap_or_default(),
        api: format!("{}.{}", spoken.major_version, spoken.minor_version),
        os: info.os_type.clone().unwrap_or_default(),
        arch: info.architecture.clone().unwrap_or_default(),
        cpus: info.ncpu.and_then(|count| count.try_into().ok()).unwrap_or_default(),
        memory: info.mem_total.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default(),
        rootless: info.security_options.iter().flatten().any(|option| option.contains("rootless")),
        storage: info.driver.clone().unwrap_or_default(),
        limits_memory: info.memory_limit != Some(false),
        limits_pids: info.pids_limit != Some(false),
        networks: u32::try_from(networks.len()).unwrap_or(u32::MAX),
        network_capacity: kind.has_few_networks().then(|| pool_capacity(&info)),
    })
}

/// How many networks fit into the engine's address pools.
fn pool_capacity(info: &SystemInfo) -> u32 {
    let pools = info.default_address_pools.as_deref().unwrap_or_default();
    if pools.is_empty() {
        return DEFAULT_POOLS;
    }
    pools.iter().fold(0, |sum: u32, pool| {
        let prefix = pool.base.as_ref().and_then(|base| base.rsplit_once('/')?.1.parse::<u32>().ok());
        let size = pool.size.and_then(|size| u32::try_from(size).ok());
        let bits = size.zip(prefix).map_or(0, |(size, prefix)| size.saturating_sub(prefix));
        sum.saturating_add(1u32.checked_shl(bits).unwrap_or(u32::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::SystemInfoDefaultAddressPools as Pool;

    fn with_pools(pools: &[(&str, i64)]) -> SystemInfo {
        let pools = pools.iter().map(|(base, size)| Pool { base: Some((*base).to_owned()), size: Some(*size) });
        SystemInfo { default_address_pools: Some(pools.collect()), ..SystemInfo::default() }
    }

    #[test]
    fn the_capacity_for_networks_follows_from_the_address_pools() {
        assert_eq!(pool_capacity(&SystemInfo::default()), 31);
        assert_eq!(pool_capacity(&with_pools(&[("10.10.0.0/16", 24), ("192.168.0.0/20", 24)])), 256 + 16);
        assert_eq!(pool_capacity(&with_pools(&[("fd00::/8", 64)])), u32::MAX);
    }
}
