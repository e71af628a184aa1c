use proptest::prelude::*;

use super::*;

const SEED: &str = "20261123.04h03m57s CONNECT: attempt fail [CONNECTION_ERROR] to 172.18.0.2:8443 for host='x.test' \
                    connection_result=Invalid argument [22] error=Invalid argument [22] attempts=0 url='https://origin:8443/'";

fn invalid_argument() -> Code {
    Code { text: "Invalid argument".into(), number: 22 }
}

#[test]
fn the_seed_failures_line_is_read() {
    let expected = ConnectFailure {
        state: Some("CONNECTION_ERROR".into()),
        addr: "172.18.0.2:8443".into(),
        host: Some("x.test".into()),
        result: invalid_argument(),
        error: Some(invalid_argument()),
        attempts: Some(0),
        url: "https://origin:8443/".into(),
        marked_down: false,
    };
    assert_eq!(connect_failure(SEED), Some(expected.clone()));
    assert_eq!(connect_failure(&SEED.replace(" attempts=", " retry_attempts=")), Some(expected), "10.x");
}

#[test]
fn own_codes_and_empty_texts_are_read() {
    let line = SEED.replace("result=Invalid argument [22]", "result=ENET_SSL_CONNECT_FAILED [-20104]");
    let result = connect_failure(&line).unwrap().result;
    assert_eq!(result, Code { text: "ENET_SSL_CONNECT_FAILED".into(), number: -20104 });
    let line = SEED.replace("error=Invalid argument [22]", "error= [0]");
    assert_eq!(connect_failure(&line).unwrap().error, Some(Code::default()));
}

#[test]
fn the_last_attempt_is_read() {
    let failure = connect_failure(
        "20261123.04h03m57s CONNECT: Broken pipe [32] connecting to 127.0.0.1:19002 for host='refused.t' \
         url='https://refused.test:19002/' marking down",
    )
    .unwrap();
    assert_eq!((failure.result.number, failure.result.text.as_str()), (32, "Broken pipe"));
    assert_eq!((failure.state, failure.error, failure.marked_down), (None, None, true));
}

#[test]
fn the_lines_of_8_1_and_9_0_are_read_as_far_as_they_go() {
    let eight = connect_failure(
        "20261123.04h04m29s CONNECT: could not connect to 127.0.0.1 for 'https://refused.test:19002/' \
         (setting last failure time) connect_result=5",
    )
    .unwrap();
    assert_eq!((eight.addr.as_str(), eight.result.number, eight.state), ("127.0.0.1", 5, None));
    assert_eq!((eight.url.as_str(), eight.host, eight.marked_down), ("https://refused.test:19002/", None, true));
    let nine = connect_failure(
        "CONNECT:[3] could not connect [CONNECTION_ERROR] to 10.0.0.1 for 'https://a/' connect_result=5 src_port=1",
    )
    .unwrap();
    assert_eq!((nine.state.as_deref(), nine.addr.as_str()), (Some("CONNECTION_ERROR"), "10.0.0.1"));
}

#[test]
fn other_lines_are_not_a_connect_failure() {
    let dns = "20261123.04h03m57s DNS Error: looking up https://nodns.test:19001/";
    assert_eq!((connect_failure(dns), is_dns_error(dns), is_dns_error(SEED)), (None, true, false));
    assert_eq!(connect_failure(""), None);
}

#[test]
fn diagnostics_have_a_level_and_a_text() {
    let level = |line| diags_line(line).map(|diags_line| (diags_line.level, diags_line.text));
    assert_eq!(
        level("[Nov 23 04:04:30.022] [ET_NET 0] WARNING: SNI (badname.test) not in certificate. Action=Terminate"),
        Some((Level::Warning, "SNI (badname.test) not in certificate. Action=Terminate"))
    );
    assert_eq!(
        level("[Nov  3 04:04:29.278] traffic_server STATUS: opened /root1/log/diags.log"),
        Some((Level::Status, "opened /root1/log/diags.log"))
    );
    assert_eq!(
        level("[Nov 23 04:04:29.278] [ET_NET 1] ERROR: a NOTE: b"),
        Some((Level::Error, "a NOTE: b")),
        "the first level counts"
    );
    assert_eq!(level("  continued: ERROR: x"), None);
}

#[test]
fn readiness_is_recognised_in_every_version() {
    assert!(is_early_end("Fatal: no such directory") && is_early_end("EMERGENCY:  Please set x"));
    assert!(!is_early_end("su: cannot set groups: Operation not permitted") && !is_early_end("fatál: x"));
    assert!(is_ready("[Nov 23 04:02:49.265] traffic_server NOTE: Traffic Server is fully initialized."));
    assert!(is_ready("[Nov 23 04:04:29.393] [TS_MAIN] NOTE: traffic server running"));
    assert!(!is_ready("[Nov 23 04:02:49.085] traffic_server NOTE: logging initialized[3], logging_mode = 1"));
}

#[test]
fn unknown_settings_are_named() {
    let nine = "[Nov 23 04:04:33.682] traffic_server WARNING: Unrecognized configuration value 'proxy.config.x.bogus'";
    let ten = "[Nov 23 04:04:33.682] traffic_server WARNING: Ignoring field 'bogus' [proxy.config.x.bogus] at line=3, \
               col=5. Not registered and Unknown tag type ''";
    assert_eq!(
        (unknown_setting(nine), unknown_setting(ten)),
        (Some("proxy.config.x.bogus"), Some("proxy.config.x.bogus"))
    );
    assert_eq!(unknown_setting(SEED), None);
}

#[test]
fn crashes_are_recognised() {
    let marks = [
        ("traffic_server: received signal 6 (Aborted)", Some(Crash::Signal(6))),
        ("traffic_server - STACK TRACE: ", Some(Crash::StackTrace)),
        ("Fatal: ../../iocore/net/UnixNetVConnection.cc:117: failed assertion `r != 0`", Some(Crash::Assertion)),
        ("Fatal: remap.config failed to load", Some(Crash::GaveUp)),
        ("[Nov 23 04:04:46.162] traffic_server EMERGENCY: sni.yaml failed to load: 1", Some(Crash::GaveUp)),
        ("[Nov 23 04:04:45.743] traffic_server ERROR: SSL connection failed", None),
        ("NOTE: using command line path as RUNROOT", None),
    ];
    for (line, mark) in marks {
        assert_eq!(crash(line), mark, "{line}");
    }
}

#[test]
fn a_normalised_line_is_the_same_in_every_run() {
    let lines = [
        SEED,
        "[Nov 23 04:04:30.022] [ET_NET 0] WARNING: SNI (b.test) not in certificate. Action=Terminate server=b.test(127.0.0.1)",
        "[Nov 23 04:04:39.683] traffic_server ERROR: SSL::139992685803072:error:80000002:system library::No such file",
        "[Nov 23 04:04:30.023] [ET_NET 0] ERROR: SSL connection failed for 'b.test': error:1416F086:SSL routines:x:y",
        "20261123.04h04m29s CONNECT: attempt fail [X] to [fd00::2]:9001 for host='h' url='https://[fd00::2]:9001/'",
        "server=six.test(fd00::2) and ::1 or ::ffff:10.0.0.1, not SSL::add or ::bad_x, error=Unknown error 189453957 [189453957] attempts=0",
        "/lib/x86_64-linux-gnu/libc.so.6(+0x3c050)[0x7f5f9125a050] src_port=41234",
    ];
    insta::assert_snapshot!(lines.map(normalise).join("\n"), @r"
    CONNECT: attempt fail [CONNECTION_ERROR] to IP:PORT for host='x.test' connection_result=Invalid argument [22] error=Invalid argument [22] attempts=0 url='https://origin:PORT/'
    WARNING: SNI (b.test) not in certificate. Action=Terminate server=b.test(IP)
    ERROR: SSL::THREAD:error:80000002:system library::No such file
    ERROR: SSL connection failed for 'b.test': error:1416F086:SSL routines:x:y
    CONNECT: attempt fail [X] to IP:PORT for host='h' url='https://IP:PORT/'
    server=six.test(IP) and IP or IP, not SSL::add or ::bad_x, error=Unknown error N attempts=0
    /lib/x86_64-linux-gnu/libc.so.6(+0xADDRESS)[0xADDRESS] src_port=PORT
    ");
}

#[test]
fn the_process_in_via_is_no_other_failure_in_each_run() {
    assert_eq!(
        normalise(
            "saw header via: https/1.1 traffic_server[938a9280-98b9-4cf1-8afc-8b9ee35c11ec] (ApacheTrafficServer)"
        ),
        "saw header via: https/1.1 traffic_server[UUID] (ApacheTrafficServer)"
    );
}

#[test]
fn a_normalised_line_is_bounded() {
    assert_eq!(normalise(&"ü".repeat(5000)).chars().count(), 500);
}

proptest! {
    #[test]
    fn no_address_and_no_port_survives(a in any::<[u8; 4]>(), v6 in any::<u128>(), port in 1u16.., name in "[a-z]{1,8}") {
        let v4 = std::net::Ipv4Addr::from(a);
        let v6 = std::net::Ipv6Addr::from(v6);
        let line = format!("to {v4}:{port} and {v4}, [{v6}]:{port}, {name}({v6}) url='https://{name}.test:{port}/'");
        prop_assert_eq!(
            normalise(&line),
            format!("to IP:PORT and IP, IP:PORT, {name}(IP) url='https://{name}.test:PORT/'")
        );
    }

    #[test]
    fn no_line_causes_a_panic(line in "\\PC{0,200}", rest in "[\\[\\]:0-9a-fx.' ]{0,100}") {
        for line in [line.as_str(), rest.as_str()] {
            let _ = (connect_failure(line), diags_line(line), crash(line), unknown_setting(line), normalise(line));
        }
    }
}
