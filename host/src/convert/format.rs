//! Whose configuration a file is.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use crate::convert::variables::Variables;
use crate::workflow::Diagnostic;
use crate::workflow::tree::Content;
use crate::workflow::tree::Node;

/// A tool whose configuration can be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// tkestack/image-transfer: a rule file and a security file.
    ImageTransfer,
    /// AliyunContainerService/image-syncer: images and auth, in one file or in two.
    ImageSyncer,
    /// regclient's regsync.
    Regsync,
    /// `skopeo sync --src yaml`.
    Skopeo,
    /// xelalexv/dregsy.
    Dregsy,
    /// clowdhaus/ocync.
    Ocync,
}

impl Format {
    /// How its files refer to the environment.
    pub(super) fn variables(self) -> Variables {
        match self {
            Self::ImageTransfer | Self::Ocync => Variables::Braces,
            Self::ImageSyncer => Variables::Shell,
            Self::Regsync => Variables::Template,
            Self::Skopeo | Self::Dregsy => Variables::None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImageTransfer => "image-transfer",
            Self::ImageSyncer => "image-syncer",
            Self::Regsync => "regsync",
            Self::Skopeo => "skopeo sync",
            Self::Dregsy => "dregsy",
            Self::Ocync => "ocync",
        })
    }
}

/// The tool whose files these are, by what is in them.
pub(super) fn detect(roots: &[(PathBuf, Node)]) -> Result<Format, Diagnostic> {
    let mut found: Option<(Format, &Path)> = None;
    for (path, root) in roots {
        let format = match shape(root, path)? {
            Shape::Of(format) => format,
            // Logins look the same for both of the tools that have them in a file of their own.
            Shape::Logins if roots.len() > 1 => continue,
            Shape::Logins => {
                let error = Diagnostic::new(root.at, "these are logins alone");
                return Err(error.with_help("name the file with the rules as well"));
            }
        };
        match found {
            Some((other, first)) if other != format && !(alike(other) && alike(format)) => {
                let error = format!("this is {format}'s, and {} is {other}'s", first.display());
                return Err(Diagnostic::new(root.at, error).with_help("convert the files of one tool at a time"));
            }
            // What only image-syncer writes tells for both.
            Some((Format::ImageSyncer, _)) => {}
            _ => found = Some((format, path)),
        }
    }
    found.map(|(format, _)| format).ok_or_else(|| {
        let at = roots.first().map(|(_, root)| root.at).unwrap_or_default();
        Diagnostic::new(at, "these are logins alone").with_help("name the file with the rules as well")
    })
}

fn alike(format: Format) -> bool {
    matches!(format, Format::ImageTransfer | Format::ImageSyncer)
}

enum Shape {
    Of(Format),
    Logins,
}

fn shape(root: &Node, path: &Path) -> Result<Shape, Diagnostic> {
    let unknown = |problem: &str| {
        Diagnostic::new(root.at, problem.to_owned())
            .with_help("say whose it is: --from image-transfer, image-syncer, regsync, skopeo, dregsy or ocync")
    };
    let Content::Mapping(entries) = &root.content else {
        return Err(unknown("this is no configuration that is known"));
    };
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    let list =
        |key: &str| entries.iter().any(|entry| entry.key == key && matches!(entry.value.content, Content::Sequence(_)));
    if has("version") && list("transfers") {
        let error = Diagnostic::new(root.at, "this is a workflow file already");
        return Err(error.with_help("`image-transfer check FILE` tells whether it is right"));
    }
    if list("sync") {
        return Ok(Shape::Of(Format::Regsync));
    }
    if list("tasks") {
        return Ok(Shape::Of(Format::Dregsy));
    }
    if list("mappings") {
        return Ok(Shape::Of(Format::Ocync));
    }
    if has("images") && entries.iter().all(|entry| matches!(entry.key.as_str(), "auth" | "images")) {
        return Ok(Shape::Of(Format::ImageSyncer));
    }
    let every = |fits: fn(&Node) -> bool| !entries.is_empty() && entries.iter().all(|entry| fits(&entry.value));
    if every(|value| keys(value).any(|key| matches!(key, "images" | "images-by-tag-regex" | "images-by-semver"))) {
        return Ok(Shape::Of(Format::Skopeo));
    }
    if every(|value| value.is_null() || is_login(value)) && !every(Node::is_null) {
        return Ok(Shape::Logins);
    }
    if every(|value| !matches!(value.content, Content::Mapping(_))) {
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let lists = entries.iter().any(|entry| matches!(entry.value.content, Content::Sequence(_)));
        // The one tool reads no JSON and no list of targets; where neither shows, both mean the same.
        return Ok(Shape::Of(if json || lists { Format::ImageSyncer } else { Format::ImageTransfer }));
    }
    Err(unknown("it does not show whose configuration this is"))
}

/// Whether this is an entry of a file of logins.
pub(super) fn is_login(node: &Node) -> bool {
    keys(node).any(|key| matches!(key, "username" | "password" | "insecure"))
}

fn keys(node: &Node) -> impl Iterator<Item = &str> {
    let entries = match &node.content {
        Content::Mapping(entries) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|entry| entry.key.as_str())
}
