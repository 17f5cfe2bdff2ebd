//! From a provider's lists to images: repositories page by page, and the tags of many of them at a time.
//!
//! Each batch is one round of requests, sent together: the tags of the repositories at hand, and where few are left the next pages of
//! repositories, of several lists if there are several. So a listing is as quick as the provider allows, begins to give images with its
//! first round, and holds no more than a page of some tens of lists and a page of tags for each of some tens of repositories. The order is
//! that of the lists, and images of one repository come in a row.

use std::collections::VecDeque;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::Error;
use crate::Image;
use crate::Result;
use crate::Source;
use crate::config::Problems;
use crate::http::Client;
use crate::http::Request;
use crate::http::Response;
use crate::pager::Page;
use crate::pager::Pager;
use crate::pager::Place;
use crate::pattern::Pattern;
use crate::warn;

/// Requests of one round.
const ROUND: usize = 32;

/// The largest batch, images.
const BATCH: usize = 500;

/// What a provider's API offers to a listing. The methods build requests and read answers; sending is the walk's.
pub trait Provider {
    /// One list of repositories: all of them, or those of a namespace.
    type List;
    /// What is known of a repository from its list.
    type Repository;

    /// Called before each round, to fetch or renew what requests need. Errors end the listing, or pass if they may.
    fn ready(&mut self, client: &dyn Client) -> Result<()> {
        let _ = client;
        Ok(())
    }

    /// The lists that are to be read, one after another. Asked once, after the first [`Self::ready`].
    fn lists(&mut self, client: &dyn Client) -> Result<Vec<Self::List>>;

    /// Asks for a page of repositories.
    fn ask_repositories(&self, list: &Self::List, place: &Place) -> Result<Request>;

    /// Reads the answer.
    fn read_repositories(
        &self,
        list: &Self::List,
        place: &Place,
        response: &Response,
    ) -> Result<Page<Self::Repository>>;

    /// The full name of a repository, as patterns see it.
    fn name<'a>(&self, repository: &'a Self::Repository) -> &'a str;

    /// Whether a repository that came with a list is one of it: some APIs filter by parts of names. Those that are not are left out,
    /// and count as read.
    fn belongs(&self, list: &Self::List, repository: &Self::Repository) -> bool {
        let _ = (list, repository);
        true
    }

    /// Asks for a page of a repository's tags.
    fn ask_tags(&self, repository: &Self::Repository, place: &Place) -> Result<Request>;

    /// Reads the answer.
    fn read_tags(&self, repository: &Self::Repository, place: &Place, response: &Response) -> Result<Page<Listed>>;
}

/// A provider that the `with:` of a workflow describes, which makes its [`Walk`] a source: `export_source!(Walk<MyProvider, Host>)`.
pub trait Configured: Provider + Sized + 'static {
    /// The `with:`.
    type Config: DeserializeOwned;
    /// What requests are sent through: `http::Host`, or something that adds a login to them.
    type Client: Client + 'static;

    /// Checks the options and sends nothing.
    fn open(config: Self::Config) -> Result<(Self, Filter, Self::Client)>;
}

impl<P: Configured> Source for Walk<P, P::Client> {
    type Config = P::Config;

    fn open(config: P::Config, position: Option<String>) -> Result<Self> {
        let (provider, filter, client) = P::open(config)?;
        Ok(Self::new(provider, filter, position, client))
    }

    fn next(&mut self) -> Result<Option<Vec<Image>>> {
        self.next_batch()
    }

    fn position(&self) -> Option<String> {
        self.finished.clone()
    }
}

/// An entry of a list of tags: usually a tag and its image; an artifact with all of its tags where the API lists artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What tells it from other entries of the list.
    pub name: String,
    /// Its images; none where it has no tag.
    pub images: Vec<Image>,
}

/// Which repositories are wanted, as patterns over their full names.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Filter {
    /// From the options `repositories` (nothing: all) and `exclude`.
    pub fn read(problems: &mut Problems, repositories: &[String], exclude: &[String]) -> Self {
        let mut patterns = |name: &str, texts: &[String]| -> Vec<Pattern> {
            texts.iter().filter_map(|text| problems.check(name, Pattern::parse(text))).collect()
        };
        Self { include: patterns("/repositories", repositories), exclude: patterns("/exclude", exclude) }
    }

    /// Whether this repository is wanted.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let is_meant = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.include.is_empty() || is_meant(&self.include)) && !is_meant(&self.exclude)
    }
}

/// A listing under way.
pub struct Walk<P: Provider, C> {
    provider: P,
    client: C,
    filter: Filter,
    /// The lists that are left, once they are known.
    lists: Option<VecDeque<Reading<P>>>,
    /// How many of them are asked in a round. It begins with one, so that nothing stands between the first image and its list, and doubles
    /// with each round that gave images, or no repository to look into.
    width: usize,
    /// Whether images were handed out.
    began: bool,
    window: VecDeque<Open<P::Repository>>,
    /// The last repository whose images were all handed out.
    finished: Option<String>,
    /// Of a resumed run: everything up to this repository was handed out before.
    skip: Option<String>,
    /// An error that came with images, told after them.
    late: Option<Error>,
}

impl<P: Provider, C> fmt::Debug for Walk<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("finished", &self.finished).finish_non_exhaustive()
    }
}

/// A list of repositories that is being read.
struct Reading<P: Provider> {
    list: P::List,
    pager: Pager,
    /// What was read while lists before this one were not through.
    ahead: Vec<P::Repository>,
}

/// A repository whose tags are being read.
#[derive(Debug)]
struct Open<R> {
    repository: R,
    pager: Pager,
    images: VecDeque<Image>,
}

/// What a request of a round asks for.
#[derive(Debug, Clone, Copy)]
enum Ask {
    /// Of the list with this number.
    Repositories(usize),
    /// Of the repository in this place of the window.
    Tags(usize),
}

impl<P: Provider, C: Client> Walk<P, C> {
    /// Begins, or goes on behind the repository that a former walk gave as its position.
    pub fn new(provider: P, filter: Filter, position: Option<String>, client: C) -> Self {
        Self {
            provider,
            client,
            filter,
            lists: None,
            width: 1,
            began: false,
            window: VecDeque::new(),
            finished: position.clone(),
            skip: position,
            late: None,
        }
    }

    /// The last repository whose images were all handed out.
    pub fn position(&self) -> Option<String> {
        self.finished.clone()
    }

    /// One round of requests, and the images that are there after it; none when all is told.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Image>>> {
        if let Some(error) = self.late.take() {
            return Err(error);
        }
        let mut images = self.emit();
        if !images.is_empty() {
            return Ok(Some(images));
        }
        self.provider.ready(&self.client)?;
        if self.lists.is_none() {
            let lists = self.provider.lists(&self.client)?;
            let reading = lists.into_iter().map(|list| Reading { list, pager: Pager::new(), ahead: Vec::new() });
            self.lists = Some(reading.collect());
        }
        let asks = self.asks();
        if asks.is_empty() {
            if self.skip.take().is_none() {
                return Ok(None);
            }
            // Where the former walk stopped is no longer there: better twice than never.
            (self.finished, self.lists) = (None, None);
            return Ok(Some(Vec::new()));
        }
        let requests: Result<Vec<Request>> = asks.iter().map(|ask| self.request(*ask)).collect();
        let answers = self.client.send_all(requests?);
        let mut gone = Vec::new();
        let mut error = None;
        for (ask, answer) in asks.into_iter().zip(answers) {
            match (ask, answer.and_then(|answer| self.take(ask, &answer))) {
                (_, Ok(())) => {}
                (Ask::Tags(index), Err(Error::NotFound(reason))) => gone.push((index, reason)),
                (_, Err(other)) => {
                    error = Some(match error.take() {
                        Some(error) => worse(error, other),
                        None => other,
                    });
                }
            }
        }
        // From the back, so that the places before stay.
        for (index, reason) in gone.into_iter().rev() {
            if let Some(open) = self.window.remove(index) {
                let name = self.provider.name(&open.repository);
                warn!("{name} is left out, it went away since it was listed: {reason}");
            }
        }
        self.advance();
        let barren = self.window.is_empty();
        images = self.emit();
        self.began |= !images.is_empty();
        if barren || !images.is_empty() {
            self.width = (self.width * 2).min(ROUND);
        }
        match error {
            Some(error) if images.is_empty() => Err(error),
            error => {
                self.late = error;
                Ok(Some(images))
            }
        }
    }

    /// What the next round asks for.
    fn asks(&self) -> Vec<Ask> {
        let hungry = |open: &Open<P::Repository>| open.images.is_empty() && open.pager.place().is_some();
        let tags = self.window.iter().enumerate().filter(|(_, open)| hungry(open)).map(|(index, _)| Ask::Tags(index));
        let mut asks: Vec<Ask> = tags.take(ROUND).collect();
        // A round takes as long as its slowest answer: before the first images, nothing that they do not need.
        let room = if self.began || asks.is_empty() { ROUND - asks.len() } else { 0 };
        // Of lists whose turn has not come yet no more than a page is held.
        let open = |(index, reading): &(usize, &Reading<P>)| {
            reading.pager.place().is_some() && (*index == 0 || reading.ahead.is_empty())
        };
        let lists = self.lists.iter().flatten().take(self.width).enumerate().filter(open);
        asks.extend(lists.map(|(index, _)| Ask::Repositories(index)).take(room));
        asks
    }

    fn request(&self, ask: Ask) -> Result<Request> {
        let nothing = || Error::Fatal("a list was asked for that has ended".to_owned());
        match ask {
            Ask::Tags(index) => {
                let open = &self.window[index];
                self.provider.ask_tags(&open.repository, open.pager.place().ok_or_else(nothing)?)
            }
            Ask::Repositories(index) => {
                let reading = self.lists.as_ref().and_then(|lists| lists.get(index)).ok_or_else(nothing)?;
                self.provider.ask_repositories(&reading.list, reading.pager.place().ok_or_else(nothing)?)
            }
        }
    }

    fn take(&mut self, ask: Ask, response: &Response) -> Result<()> {
        let Self { provider, lists, window, .. } = self;
        match ask {
            Ask::Tags(index) => {
                let open = &mut window[index];
                let Some(place) = open.pager.place().cloned() else { return Ok(()) };
                let page = provider.read_tags(&open.repository, &place, response)?;
                let what = format!("tags of {}", provider.name(&open.repository));
                let listed = open.pager.take(page, |listed| listed.name.as_str(), &what)?;
                open.images.extend(listed.into_iter().flat_map(|listed| listed.images));
            }
            Ask::Repositories(index) => {
                let Some(reading) = lists.as_mut().and_then(|lists| lists.get_mut(index)) else { return Ok(()) };
                let Some(place) = reading.pager.place().cloned() else { return Ok(()) };
                let page = provider.read_repositories(&reading.list, &place, response)?;
                let mut news = reading.pager.take(page, |repository| provider.name(repository), "repositories")?;
                news.retain(|repository| provider.belongs(&reading.list, repository));
                reading.ahead.extend(news);
            }
        }
        Ok(())
    }

    /// Takes repositories over into the window, list after list.
    fn advance(&mut self) {
        let Self { provider, lists: Some(lists), window, filter, skip, .. } = self else { return };
        while let Some(reading) = lists.front_mut() {
            for repository in reading.ahead.drain(..) {
                let name = provider.name(&repository);
                match skip {
                    Some(former) if former == name => *skip = None,
                    None if filter.wants(name) => {
                        window.push_back(Open { repository, pager: Pager::new(), images: VecDeque::new() });
                    }
                    _ => {}
                }
            }
            if reading.pager.place().is_some() {
                break;
            }
            lists.pop_front();
        }
    }

    /// Takes out what is there, as far as repositories are in a row.
    fn emit(&mut self) -> Vec<Image> {
        let mut images = Vec::new();
        while let Some(open) = self.window.front_mut() {
            let count = open.images.len().min(BATCH - images.len());
            images.extend(open.images.drain(..count));
            if !open.images.is_empty() || open.pager.place().is_some() {
                break;
            }
            self.finished = Some(self.provider.name(&open.repository).to_owned());
            self.window.pop_front();
        }
        images
    }
}

/// Of two errors of one round the one to tell: what another try does not mend comes first.
fn worse(one: Error, other: Error) -> Error {
    let passes = |error: &Error| matches!(error, Error::RateLimited(_) | Error::Unavailable(_));
    if !passes(&one) || passes(&other) { one } else { other }
}

#[cfg(test)]
mod tests;
