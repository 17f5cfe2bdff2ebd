//! What holds for any file: a report, or a workflow that is YAML; and no secret of its logins in either.

use std::path::Path;

use proptest::prelude::Just;
use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::proptest;

use super::*;

/// The password in each of the files below.
const SECRET: &str = "not-a-real-password";

const FILES: [(Format, &str); 6] = [
    (Format::ImageTransfer, "a.io/x/y:1,2: [b.io/x/y, 'c.io/z:3,4']\nhost/x/y: ''\na.io/w: ~\n"),
    (
        Format::ImageSyncer,
        "auth: {a.io: {username: $U, password: not-a-real-password}}\nimages: {'a.io/x:1,2': [b.io/x, 'c.io/y:3,4'], 'a.io/z:/^v/': b.io/z, a.io/w@sha256:00: ''}\n",
    ),
    (
        Format::Regsync,
        "x-a: &a {type: repository, tags: {allow: [a, 'v.*'], deny: [b], semverRange: ['>=1 <2 || ^3']}}\ncreds: [{registry: a.io, user: u, pass: not-a-real-password, tls: disabled, reqPerSec: 2}]\ndefaults: {parallel: 2, referrers: true}\nsync: [{source: 'ocidir://d/x', target: b.io/x, <<: *a}, {source: a.io, target: b.io/m, type: registry, repos: {allow: ['t/.*']}}, {source: 'a.io/{{env \"X\"}}', target: b.io/y, type: image, platform: linux/amd64}]\n",
    ),
    (
        Format::Skopeo,
        "a.io: {images: {x: [], y: ['1']}, images-by-tag-regex: {z: '^1$'}, images-by-semver: {w: '1 - 2'}, credentials: {username: u, password: not-a-real-password}, tls-verify: false, cert-dir: d}\n",
    ),
    (
        Format::Dregsy,
        // {"username": "u", "password": "not-a-real-password"}
        "tasks: [{name: t, source: {registry: a.io, auth: eyJ1c2VybmFtZSI6ICJ1IiwgInBhc3N3b3JkIjogIm5vdC1hLXJlYWwtcGFzc3dvcmQifQ==}, target: {registry: b.io, auth: none}, mappings: [{from: x, to: 'regex:x(.),y$1', tags: [a, 'semver: >1', 'regex: !b', 'keep: c']}, {from: 'regex:z/.*', to: p}]}]\n",
    ),
    (
        Format::Ocync,
        "registries: {a: {url: a.io, credentials: {username: u, password: not-a-real-password}}, b: {url: '${B}'}}\ntarget_groups: {g: [b]}\ndefaults: {source: a, targets: g, tags: {glob: ['1*'], include: [latest], semver: '>=1', sort: semver, latest: 2}}\nmappings: [{from: x, to: y, platforms: [linux/amd64], artifacts: {enabled: true}}]\n",
    ),
];

/// The conversion of `text`, if it came to one.
fn law(format: Format, text: &str) -> Option<Converted> {
    let (mut source, path) = (Source::default(), Path::new("any.yaml"));
    let root = tree::foreign(&mut source, path, text).ok()?;
    let request = Request { from: Some(format), to: Some("t.io/n".to_owned()), ..Request::default() };
    match from_trees(&source, &[(path.to_owned(), root)], &request) {
        Ok(converted) => {
            let tree: serde_json::Value = serde_yaml::from_str(&converted.workflow).unwrap();
            assert!(tree["transfers"].is_array(), "{}", converted.workflow);
            assert!(converted.notes.iter().all(|note| !note.contains('\n')), "{:?}", converted.notes);
            Some(converted)
        }
        Err(report) => {
            assert!(!report.diagnostics.is_empty());
            None
        }
    }
}

/// One of the files with a stretch replaced by something else, which may be nothing.
fn changed() -> impl Strategy<Value = (Format, String)> {
    let pieces = prop_oneof![
        Just(""),
        Just("x"),
        Just("'"),
        Just("{"),
        Just("]"),
        Just(": "),
        Just("&a "),
        Just("*a"),
        Just("<<: "),
        Just("${"),
        Just("$$"),
        Just("{{"),
        Just("||"),
        Just("(?"),
        Just("é"),
        Just("\\"),
        Just("~"),
        Just("0"),
        Just("/"),
        Just("@"),
        Just("regex:"),
    ];
    (0..FILES.len(), 0.0..1.0_f64, 0..12_usize, pieces).prop_map(|(file, place, length, piece)| {
        let (format, text) = FILES[file];
        // The texts are ASCII, so that every byte is a place.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a short text"
        )]
        let start = (place * text.len() as f64) as usize;
        let end = (start + length).min(text.len());
        (format, format!("{}{piece}{}", &text[..start], &text[end..]))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_changed_anywhere_is_a_workflow_or_a_report((format, text) in changed()) {
        law(format, &text);
    }
}

#[test]
fn the_files_themselves_are_workflows_without_their_secrets() {
    // Rules have no logins; those of that tool are in a file of their own.
    for (format, text) in FILES.into_iter().filter(|(format, _)| *format != Format::ImageTransfer) {
        let converted = law(format, text).unwrap();
        let said = format!("{}{:?}", converted.workflow, converted.notes);
        assert!(said.contains("${REGISTRY_PASSWORD_A_IO}") && !said.contains(SECRET), "{said}");
    }
}
