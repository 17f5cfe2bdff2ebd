//! What a tree of layouts holds, page by page.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::endpoint::EndpointError;
use crate::endpoint::layout::blocking;
use crate::endpoint::layout::entries;
use crate::endpoint::layout::place;
use crate::endpoint::layout::place::Place;
use crate::oci::Repository;

/// How many names make a page.
const PAGE: usize = 1000;

/// A listing under way.
pub(in crate::endpoint) struct Listing(State);

enum State {
    /// The repositories of a tree.
    Repositories(Walk),
    /// The tags of a repository, not read yet.
    Tags(Result<Place, EndpointError>),
    /// Tags that were read, last one first.
    Read(Vec<String>),
    /// All is told.
    Done,
}

/// A walk through a tree, depth first, each directory in the order of its names. It holds the names of the directories that
/// are still to come along one path, not the tree. Symbolic links are not followed, and `blobs` is not entered.
struct Walk {
    root: PathBuf,
    started: bool,
    /// Names of repositories to look at, relative to the root, next one last.
    ahead: Vec<String>,
}

impl Listing {
    pub(super) fn repositories(root: &Path) -> Self {
        Self(State::Repositories(Walk { root: root.to_owned(), started: false, ahead: Vec::new() }))
    }

    pub(super) fn tags(place: Result<Place, EndpointError>) -> Self {
        Self(State::Tags(place))
    }

    /// The next page, never empty; none when all is told. An error ends the listing.
    pub(in crate::endpoint) async fn next(&mut self) -> Result<Option<Vec<String>>, EndpointError> {
        match std::mem::replace(&mut self.0, State::Done) {
            State::Done => Ok(None),
            State::Repositories(walk) => {
                let (walk, page) = blocking(move || walk.page()).await?;
                self.0 = State::Repositories(walk);
                Ok((!page.is_empty()).then_some(page))
            }
            State::Tags(place) => {
                let place = place?;
                let mut tags = blocking(move || {
                    let absent = || place::at(&place.index(), io::ErrorKind::NotFound.into());
                    Ok(entries(&place)?.ok_or_else(absent)?.tags())
                })
                .await?;
                tags.reverse();
                Ok(self.page(tags))
            }
            State::Read(tags) => Ok(self.page(tags)),
        }
    }

    fn page(&mut self, mut tags: Vec<String>) -> Option<Vec<String>> {
        let mut page = tags.split_off(tags.len().saturating_sub(PAGE));
        page.reverse();
        self.0 = State::Read(tags);
        (!page.is_empty()).then_some(page)
    }
}

impl Walk {
    fn page(mut self) -> Result<(Self, Vec<String>), EndpointError> {
        if !self.started {
            self.started = true;
            self.enter(None)?;
        }
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(name) = self.ahead.pop()
        {
            self.enter(Some(&name))?;
            if self.root.join(&name).join(place::MARKER).is_file() {
                page.push(name);
            }
        }
        Ok((self, page))
    }

    /// Puts the directories below `name` ahead, the first one last.
    fn enter(&mut self, name: Option<&str>) -> Result<(), EndpointError> {
        let dir = name.map_or_else(|| self.root.clone(), |name| self.root.join(name));
        let listed = match fs::read_dir(&dir) {
            Ok(listed) => listed,
            // Removed since its parent was read.
            Err(error) if name.is_some() && place::is_absent(&error) => return Ok(()),
            Err(error) => return Err(place::at(&dir, error)),
        };
        let start = self.ahead.len();
        for entry in listed {
            let entry = entry.map_err(|source| place::at(&dir, source))?;
            let is_dir = entry.file_type().map_err(|source| place::at(&dir, source))?.is_dir();
            let Some(segment) = entry.file_name().to_str().map(str::to_owned).filter(|_| is_dir) else { continue };
            let below = name.map_or_else(|| segment.clone(), |name| format!("{name}/{segment}"));
            if !place::RESERVED.contains(&segment.as_str()) && below.parse::<Repository>().is_ok() {
                self.ahead.push(below);
            }
        }
        self.ahead[start..].sort_unstable_by(|a, b| b.cmp(a));
        Ok(())
    }
}
