//! Packet capture in the network namespace of the agent, on all its interfaces, through a packet socket (packet(7)).
//! Needs `CAP_NET_RAW`, which containers have by default.
//!
//! Only sockets and threads are here; [`crate::wire`] interprets the frames. It does not use libpcap, which would break
//! the static binary, and no filter in the kernel: the traffic of a cell is that of its trials.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IoSliceMut, PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket, sockopt,
};
use nix::sys::time::TimeSpec;

use crate::model::Flow;
use crate::wire::{FlowTable, Frame, Recording, pcapng};

/// Bytes captured of each frame: enough for a whole ClientHello.
const SNAPLEN: usize = 2048;

/// Bytes of frames kept per port.
const PORT_BUDGET: usize = 128 * 1024;

/// Requested size of the receive buffer, in bytes. Without `CAP_NET_ADMIN` the kernel grants what `net.core.rmem_max`
/// allows, 208 KiB by default.
const RECEIVE_BUFFER: usize = 32 * 1024 * 1024;

/// `PACKET_OUTGOING` of packet(7).
const OUTGOING: u8 = 4;

/// Hardware types with Ethernet headers: `ARPHRD_ETHER` and `ARPHRD_LOOPBACK`.
const ETHERNET: [u16; 2] = [1, 772];

/// A capture that runs until [`Capture::finish`], or until it is dropped.
#[derive(Debug)]
pub(crate) struct Capture {
    thread: JoinHandle<Result<Captured>>,
    /// Closing it stops the thread.
    stop: PipeWriter,
}

/// What was captured.
#[derive(Debug)]
pub(crate) struct Captured {
    table: FlowTable,
    recordings: BTreeMap<u16, Recording>,
    /// Frames that the kernel dropped because the receive buffer was full. It reports them with the next frame, so
    /// losses at the very end are not included.
    pub(crate) lost: u64,
}

impl Capture {
    /// Starts to capture TCP to and from `ports`: frames sent after this returns are captured.
    ///
    /// # Errors
    /// When `CAP_NET_RAW` is missing, or the thread cannot be started.
    pub(crate) fn start(ports: &BTreeSet<u16>) -> Result<Self> {
        let socket = open().context("open a packet socket to capture the traffic of trials (CAP_NET_RAW is needed)")?;
        let (stopped, stop) = pipe().context("create a pipe to stop the capture")?;
        let captured = Captured {
            table: FlowTable::new(ports.iter().copied()),
            recordings: ports.iter().map(|port| (*port, Recording::new(PORT_BUDGET))).collect(),
            lost: 0,
        };
        let thread = std::thread::Builder::new()
            .name("capture".into())
            .spawn(move || captured.fill(&socket, &stopped))
            .context("start the capture thread")?;
        Ok(Self { thread, stop })
    }

    /// Ends the capture. Frames already under way are still captured.
    ///
    /// # Errors
    /// When the packet socket failed.
    pub(crate) fn finish(self) -> Result<Captured> {
        drop(self.stop);
        self.thread.join().map_err(|_| anyhow!("the capture thread panicked"))?
    }
}

impl Captured {
    /// The flows to a server port.
    pub(crate) fn flows(&self, port: u16) -> Vec<Flow> {
        self.table.by_server_port(port)
    }

    /// The frames of a server port as a pcapng file with `comment` on its section; a file without packets if there were
    /// none. At most about 160 KiB.
    pub(crate) fn pcapng(&self, port: u16, comment: &str) -> Vec<u8> {
        let frames = self.recordings.get(&port).into_iter().flat_map(Recording::frames);
        // SNAPLEN is a small constant.
        pcapng::file(frames, u32::try_from(SNAPLEN).unwrap_or(0), comment)
    }

    /// Reads frames until the other end of `stopped` is closed and no frame is left.
    fn fill(mut self, socket: &OwnedFd, stopped: &PipeReader) -> Result<Self> {
        let mut buffer = vec![0; SNAPLEN];
        loop {
            let mut wanted =
                [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
            match poll(&mut wanted, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error).context("wait for captured packets"),
            }
            let last_round = wanted[1].any().unwrap_or(false);
            while self.take(socket, &mut buffer)? {}
            if last_round {
                return Ok(self);
            }
        }
    }

    /// Reads one frame; `false` when none is waiting.
    fn take(&mut self, socket: &OwnedFd, buffer: &mut [u8]) -> Result<bool> {
        let mut control = cmsg_space!(TimeSpec, u32);
        // With MSG_TRUNC the kernel returns the full length of the frame.
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        let mut parts = [IoSliceMut::new(buffer)];
        let message = match recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags) {
            Ok(message) => message,
            Err(Errno::EAGAIN) => return Ok(false),
            // An interface went down, which does not end the capture (packet(7)).
            Err(Errno::EINTR | Errno::ENETDOWN) => return Ok(true),
            Err(error) => return Err(error).context("read a captured packet"),
        };
        let mut at_ns = 0;
        for control in message.cmsgs().context("read the time of a captured packet")? {
            match control {
                ControlMessageOwned::ScmTimestampns(at) => at_ns = nanoseconds(at),
                ControlMessageOwned::RxqOvfl(lost) => self.lost = lost.into(),
                _ => {}
            }
        }
        let (len, from) = (message.bytes, message.address);
        if let Some(from) = from.filter(|from| ETHERNET.contains(&from.hatype())) {
            let frame = Frame {
                at_ns,
                outgoing: from.pkttype() == OUTGOING,
                len: u32::try_from(len).unwrap_or(u32::MAX),
                bytes: &buffer[..len.min(SNAPLEN)],
            };
            if let Some(recording) = self.table.push(&frame).and_then(|port| self.recordings.get_mut(&port)) {
                recording.push(&frame);
            }
        }
        Ok(true)
    }
}

/// Opens a packet socket that receives every frame of every interface from now on, with kernel timestamps.
fn open() -> Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
        .context("socket(AF_PACKET, SOCK_RAW, ETH_P_ALL)")?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("request kernel timestamps")?;
    setsockopt(&socket, sockopt::RxqOvfl, &1).context("request the number of lost packets")?;
    // The forced option needs CAP_NET_ADMIN. A smaller buffer only makes losses more likely, and those are counted.
    if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER).context("enlarge the receive buffer")?;
    }
    Ok(socket)
}

/// Nanoseconds since the epoch; 0 for times before it.
fn nanoseconds(at: TimeSpec) -> u64 {
    let seconds = u64::try_from(at.tv_sec()).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(at.tv_nsec()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
