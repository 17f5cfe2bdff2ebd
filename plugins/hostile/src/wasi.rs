//! The part of WASI that a plugin has no business with: files, environment, sockets. A guest in another language imports it because
//! its run-time library does; this one tries it.

#![expect(clippy::pedantic, reason = "generated")]

image_transfer_sdk::wit_bindgen::generate!({
    inline: "
        package image-transfer:hostile;

        world prober {
            import wasi:cli/environment@0.2.12;
            import wasi:filesystem/preopens@0.2.12;
            import wasi:sockets/instance-network@0.2.12;
            import wasi:sockets/ip-name-lookup@0.2.12;
            import wasi:sockets/tcp-create-socket@0.2.12;
            import wasi:sockets/tcp@0.2.12;
            import wasi:sockets/udp-create-socket@0.2.12;
            import wasi:sockets/udp@0.2.12;
        }

        package wasi:cli@0.2.12 {
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
                get-arguments: func() -> list<string>;
                initial-cwd: func() -> option<string>;
            }
        }

        package wasi:filesystem@0.2.12 {
            interface types {
                resource descriptor;
            }
            interface preopens {
                use types.{descriptor};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }
        }

        package wasi:sockets@0.2.12 {
            interface network {
                resource network;
                enum error-code {
                    unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict,
                    not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, address-in-use,
                    remote-unreachable, connection-refused, connection-reset, connection-aborted, datagram-too-large,
                    name-unresolvable, temporary-resolver-failure, permanent-resolver-failure,
                }
                enum ip-address-family { ipv4, ipv6 }
                type ipv4-address = tuple<u8, u8, u8, u8>;
                type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;
                record ipv4-socket-address { port: u16, address: ipv4-address }
                record ipv6-socket-address { port: u16, flow-info: u32, address: ipv6-address, scope-id: u32 }
                variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }
            }
            interface instance-network {
                use network.{network};
                instance-network: func() -> network;
            }
            interface ip-name-lookup {
                use network.{network, error-code};
                resource resolve-address-stream;
                resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>;
            }
            interface tcp {
                use network.{network, error-code, ip-socket-address};
                resource tcp-socket {
                    start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>;
                    start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>;
                }
            }
            interface tcp-create-socket {
                use network.{error-code, ip-address-family};
                use tcp.{tcp-socket};
                create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
            }
            interface udp {
                use network.{network, error-code, ip-socket-address};
                resource udp-socket {
                    start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>;
                }
            }
            interface udp-create-socket {
                use network.{error-code, ip-address-family};
                use udp.{udp-socket};
                create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>;
            }
        }
    ",
    generate_all,
    runtime_path: "image_transfer_sdk::wit_bindgen::rt",
});

use wasi::cli::environment;
use wasi::filesystem::preopens;
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::ErrorCode;
use wasi::sockets::network::IpAddressFamily;
use wasi::sockets::network::IpSocketAddress;
use wasi::sockets::network::Ipv4SocketAddress;
use wasi::sockets::tcp_create_socket::create_tcp_socket;
use wasi::sockets::udp_create_socket::create_udp_socket;

/// What came of each attempt to reach beyond the sandbox, as names and values; `port` is one of 127.0.0.1 at which somebody listens.
pub(crate) fn probe(port: u16) -> Vec<(String, String)> {
    let network = instance_network();
    let here = |port| IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) });
    let told =
        |outcome: Result<(), ErrorCode>| outcome.map_or_else(|code| code.name().to_owned(), |()| "done".to_owned());
    let tcp = || create_tcp_socket(IpAddressFamily::Ipv4);
    let found = [
        ("environment", environment::get_environment().len().to_string()),
        ("arguments", environment::get_arguments().len().to_string()),
        ("cwd", environment::initial_cwd().unwrap_or_default()),
        ("directories", preopens::get_directories().len().to_string()),
        ("connect", told(tcp().and_then(|socket| socket.start_connect(&network, here(port))))),
        ("listen", told(tcp().and_then(|socket| socket.start_bind(&network, here(0))))),
        (
            "datagram",
            told(create_udp_socket(IpAddressFamily::Ipv4).and_then(|socket| socket.start_bind(&network, here(0)))),
        ),
        ("lookup", told(resolve_addresses(&network, "localhost").map(drop))),
    ];
    found.map(|(name, value)| (name.to_owned(), value)).into()
}
