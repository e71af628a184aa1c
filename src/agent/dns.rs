//! A name server for ATS inside the cell. ATS reads its own host file in a background task that may run too late after
//! its start, and the DNS of engines differs; this one answers from the start.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use simple_dns::rdata::{A, AAAA, RData};
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::net::UdpSocket;

/// Seconds that a record may be cached: longer than a cell lives.
const TTL: u32 = 300;

/// Answers queries for `names` on loopback until dropped.
pub(super) struct NameServer {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl NameServer {
    /// Starts on a free port.
    pub(super) async fn start(names: BTreeMap<String, Vec<IpAddr>>) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the name server cannot bind")?;
        let address = socket.local_addr()?;
        let names = Arc::new(names);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((count, peer)) = socket.recv_from(&mut buffer).await {
                if let Some(answer) = reply(&buffer[..count], &names) {
                    let _ = socket.send_to(&answer, peer).await;
                }
            }
        });
        Ok(Self { address, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A query that shows whether the server answers at all.
pub(super) fn query(number: u16) -> Vec<u8> {
    let mut packet = Packet::new_query(number);
    let class = simple_dns::QCLASS::CLASS(CLASS::IN);
    let name = simple_dns::Name::new_unchecked("heartbeat.test");
    packet.questions.push(simple_dns::Question::new(name, QTYPE::TYPE(TYPE::A), class, false));
    packet.build_bytes_vec().unwrap_or_default()
}

/// The answer to `query`; `None` when it is not a query. A known name without an address of the requested family gets
/// an empty answer, an unknown one NXDOMAIN (RFC 2308).
fn reply(query: &[u8], names: &BTreeMap<String, Vec<IpAddr>>) -> Option<Vec<u8>> {
    let query = Packet::parse(query).ok().filter(|packet| !packet.has_flags(PacketFlag::RESPONSE))?;
    let mut reply = query.clone().into_reply();
    reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
    for question in &query.questions {
        let name = question.qname.to_string().to_ascii_lowercase();
        let Some(addresses) = names.get(name.trim_end_matches('.')) else {
            *reply.rcode_mut() = RCODE::NameError;
            continue;
        };
        for address in addresses {
            let data = match (question.qtype, address) {
                (QTYPE::TYPE(TYPE::A) | QTYPE::ANY, IpAddr::V4(ip)) => RData::A(A::from(*ip)),
                (QTYPE::TYPE(TYPE::AAAA) | QTYPE::ANY, IpAddr::V6(ip)) => RData::AAAA(AAAA::from(*ip)),
                _ => continue,
            };
            reply.answers.push(ResourceRecord::new(question.qname.clone(), CLASS::IN, TTL, data));
        }
    }
    reply.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::{Name, QCLASS, Question};

    fn ask(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(7);
        let name = Name::new_unchecked(name);
        packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
        packet.build_bytes_vec().unwrap()
    }

    #[test]
    fn known_names_are_answered_by_family_and_unknown_ones_with_nxdomain() {
        let names = BTreeMap::from([("a.test".to_owned(), vec![IpAddr::from([10, 0, 0, 2])])]);
        let answer = |name, kind| {
            let bytes = reply(&ask(name, kind), &names).unwrap();
            let packet = Packet::parse(&bytes).unwrap();
            (packet.id(), packet.rcode(), packet.answers.len())
        };
        assert_eq!(answer("A.test", TYPE::A), (7, RCODE::NoError, 1));
        assert_eq!(answer("a.test", TYPE::AAAA), (7, RCODE::NoError, 0));
        assert_eq!(answer("b.test", TYPE::A), (7, RCODE::NameError, 0));
        assert_eq!(reply(b"rubbish", &names), None);
        // The heartbeat recognises answers by their first two bytes.
        assert_eq!(reply(&query(0x1234), &names).unwrap()[..2], [0x12, 0x34]);
    }
}
