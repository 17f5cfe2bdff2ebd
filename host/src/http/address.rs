//! Which addresses are public, for requests that strangers steer: plugins, redirects, `Location` and token realms.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use url::Host;
use url::Url;

/// Whether `address` can be reached over the internet: not private, loopback, link-local, shared (CGNAT), multicast, reserved,
/// unique local, or one of those in IPv6 clothes (mapped, NAT64, 6to4).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = embedded_v4(address) {
        return is_public_v4(v4);
    }
    // Of the whole space only this is given out for the internet (RFC 4291, section 2.4), and of it not what is for documentation
    // or for the special purposes of RFC 2928, such as Teredo, which has an IPv4 address of its own in it.
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8)) && first != 0x3fff
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // Compatible (RFC 4291, section 2.5.5.1) and mapped; NAT64's well-known prefix (RFC 6052); 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(from(high, low))
        }
        _ => None,
    }
}

/// Whether the URL's host is, by what it says itself, no public one: a literal of such an address, or `localhost`. Names are
/// looked up only when a connection is made.
#[must_use]
pub fn names_private_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public_v4(address),
        Some(Host::Ipv6(address)) => !is_public_v6(address),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        None => true,
    }
}

/// Whether the URL's host is, by what it says itself, one where clouds hand out a machine's credentials.
#[must_use]
pub(super) fn is_metadata_service(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_metadata_v4(address),
        Some(Host::Ipv6(address)) => is_metadata_v6(address),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            // A proxy would look these up.
            ["metadata.google.internal", "metadata.goog", "metadata.tencentyun.com", "instance-data.ec2.internal"]
                .contains(&name.as_str())
        }
        None => false,
    }
}

/// Whether clouds hand out a machine's credentials at `address`. Not all that is link-local, since Tencent Cloud has its object storage
/// there for machines of its own.
#[must_use]
pub(super) fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_metadata_v4(v4),
        IpAddr::V6(v6) => is_metadata_v6(v6),
    }
}

fn is_metadata_v4(address: Ipv4Addr) -> bool {
    matches!(
        address.octets(),
        // Nearly everyone's; Amazon's for containers; Scaleway's; Tencent Cloud's; Alibaba Cloud's; Azure's, which is a public one.
        [169, 254, 169 | 170, _] | [169, 254, 42, 42] | [169, 254, 0, 23] | [100, 100, 100, 200] | [168, 63, 129, 16]
    )
}

fn is_metadata_v6(address: Ipv6Addr) -> bool {
    // Amazon's, Google's and Oracle's.
    let known = [
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254],
        [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254],
        [0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe],
    ];
    embedded_v4(address).is_some_and(is_metadata_v4)
        || address.segments()[0] & 0xffc0 == 0xfe80
        || known.contains(&address.segments())
}

/// Whether `url` is object storage of a large cloud, by https. Clouds give such names private addresses for machines of their own. Nobody
/// else can: the name is the cloud's to resolve, and what answers has to have the cloud's certificate.
#[must_use]
pub(super) fn is_cloud_storage(url: &Url) -> bool {
    const CLOUDS: [(&str, &str); 9] = [
        (".amazonaws.com", "s3"),
        (".amazonaws.com.cn", "s3"),
        (".aliyuncs.com", "oss"),
        (".myqcloud.com", "cos"),
        (".tencentcos.cn", "cos"),
        (".myhuaweicloud.com", "obs"),
        (".volces.com", "tos"),
        (".core.windows.net", "blob"),
        (".googleapis.com", "storage"),
    ];
    let Some(Host::Domain(name)) = url.host() else { return false };
    let is = |(domain, service): &(&str, &str)| {
        let labels = name.strip_suffix(domain).unwrap_or_default();
        // `oss-cn-hangzhou-internal`, `s3-eu-west-1` and `cos-internal` are of the service too.
        labels
            .split('.')
            .any(|label| label.strip_prefix(service).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    };
    url.scheme() == "https" && CLOUDS.iter().any(is)
}

/// Whether `a` and `b` have the same scheme, host and port: what one may know, the other may.
#[must_use]
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// `host` or `host:port` of a URL, as users name it: no scheme, no path, no credentials.
#[must_use]
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_other_addresses_are_told_apart() {
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().expect(address)), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "64:ff9b:1::a00:1",
            "2001:0:808:808::1",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert!(!is_public(address.parse().expect(address)), "{address}");
        }
    }

    #[test]
    fn storage_of_a_large_cloud_is_known_by_its_name_and_https() {
        for url in [
            "https://bucket-1250000000.cos.ap-guangzhou.myqcloud.com/blob?sign=x",
            "https://bucket.oss-cn-hangzhou-internal.aliyuncs.com/blob",
            "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/blob",
            "https://account.blob.core.windows.net/blob",
            "https://storage.googleapis.com/bucket/blob",
        ] {
            assert!(is_cloud_storage(&url.parse().expect(url)), "{url}");
        }
        for url in [
            "http://bucket.cos.ap-guangzhou.myqcloud.com/",
            "https://ec2-198-51-100-1.compute-1.amazonaws.com/",
            "https://cos.myqcloud.com.evil.example/",
            "https://evilmyqcloud.com/",
            "https://cos-evil.example/",
            "https://myqcloud.com/",
        ] {
            assert!(!is_cloud_storage(&url.parse().expect(url)), "{url}");
        }
    }

    #[test]
    fn numbers_in_disguise_are_addresses_too() {
        for url in
            ["http://2130706433/", "http://0x7f.1/", "http://localhost:5000/", "http://a.localhost/", "http://[::1]/"]
        {
            assert!(names_private_host(&url.parse().expect(url)), "{url}");
        }
        assert!(!names_private_host(&"https://registry.example/".parse().expect("url")));
        assert!(is_metadata_service(&"http://169.254.169.254/latest".parse().expect("url")));
        assert!(is_metadata_service(&"http://[::ffff:169.254.169.254]/".parse().expect("url")));
    }
}
