//! One list of a provider, read page by page to its real end.
//!
//! Providers page by row, by number or by token; they repeat entries while a list grows, skip some while it shrinks, and now and then
//! lose a page. So entries are told once, and a list is whole only if as many were seen as there are and none went away meanwhile.
//! If not, it is read again from the start, up to three times; then it is an error. A short list is never passed off as a whole one.

use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;

use crate::Error;
use crate::Result;

/// Times that a list is read.
const PASSES: u32 = 3;

/// Where in a list the next page begins, in each way that providers count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// 0 the first time the list is read.
    pub pass: u32,
    /// Pages before this one.
    pub page: u64,
    /// Entries on them, repeated ones too.
    pub rows: u64,
    /// What the page before gave as the way on.
    pub token: Option<String>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its entries.
    pub items: Vec<T>,
    /// How many entries the provider says that the whole list has.
    pub total: Option<u64>,
    /// How it goes on.
    pub next: Next,
}

/// How a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// By the next row or number, until a page is empty, brings nothing new, or completes the total.
    Counted,
    /// By this token.
    Token(String),
    /// The page was the last.
    Last,
}

/// The state of one list.
#[derive(Debug, Default)]
pub struct Pager {
    place: Place,
    seen: HashSet<(u64, u64)>,
    total: Option<u64>,
    shrunk: bool,
    former: Option<u64>,
    ended: bool,
}

impl Pager {
    /// A list of which nothing was read.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next page begins; none if the list is whole.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        (!self.ended).then_some(&self.place)
    }

    /// Takes in the page that was asked for at [`Self::place`] and hands out what is new on it. `name` tells entries apart; `what`
    /// names the list in errors, as `tags of ns/app`.
    pub fn take<T>(&mut self, page: Page<T>, name: impl Fn(&T) -> &str, what: &str) -> Result<Vec<T>> {
        let Page { items, total, next } = page;
        let rows = items.len() as u64;
        let mut print = DefaultHasher::new();
        for item in &items {
            name(item).hash(&mut print);
        }
        let repeats = self.former.replace(print.finish()) == Some(print.finish());
        let news: Vec<T> = items.into_iter().filter(|item| self.seen.insert(key(name(item)))).collect();
        if let Some(total) = total {
            self.shrunk |= self.total.is_some_and(|before| total < before);
            self.total = Some(total);
        }
        self.place.page += 1;
        self.place.rows += rows;
        let over = match next {
            Next::Last => true,
            Next::Token(token) => {
                if self.place.token.as_ref() == Some(&token) {
                    return Err(Error::Fatal(format!("the list of {what} leads on to the same page for ever")));
                }
                self.place.token = Some(token);
                false
            }
            Next::Counted if self.place.pass == 0 => news.is_empty() || self.complete(self.seen.len() as u64),
            // Everything may be known already, so only the rows tell.
            Next::Counted => rows == 0 || repeats || self.complete(self.place.rows),
        };
        if over {
            self.end(what)?;
        }
        Ok(news)
    }

    fn complete(&self, count: u64) -> bool {
        self.total.is_some_and(|total| count >= total)
    }

    fn end(&mut self, what: &str) -> Result<()> {
        let seen = self.seen.len() as u64;
        let short = self.total.filter(|total| seen < *total);
        if short.is_none() && !self.shrunk {
            self.ended = true;
            self.seen = HashSet::new();
            return Ok(());
        }
        if self.place.pass + 1 < PASSES {
            crate::info!("the list of {what} changed while it was read, or a page was lost: reading it again");
            self.place = Place { pass: self.place.pass + 1, ..Place::default() };
            (self.shrunk, self.former) = (false, None);
            return Ok(());
        }
        Err(Error::Fatal(match short {
            Some(total) => format!(
                "the list of {what} is incomplete: {seen} of {total} came, however often it was asked for; run again later"
            ),
            None => format!("the list of {what} changes faster than it can be read; run again later"),
        }))
    }
}

/// 128 bits of a name: two in a million names are the same by a chance that nobody will see, and memory stays small.
fn key(name: &str) -> (u64, u64) {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, name).hash(&mut hasher);
        hasher.finish()
    };
    (half(0), half(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(names: &[&'static str], total: Option<u64>, next: Next) -> Page<&'static str> {
        Page { items: names.to_vec(), total, next }
    }

    /// Feeds pages until the list ends; what came, or the error.
    fn read(pages: Vec<Page<&'static str>>) -> Result<(Vec<&'static str>, usize)> {
        let (mut list, mut all, mut count) = (Pager::new(), Vec::new(), 0);
        for page in pages {
            if list.place().is_none() {
                break;
            }
            count += 1;
            all.extend(list.take(page, |name| name, "things")?);
        }
        assert!(list.place().is_none(), "not ended: {list:?}");
        Ok((all, count))
    }

    #[test]
    fn a_list_ends_with_its_total_an_empty_page_or_a_page_without_news() {
        let counted = |names: &[&'static str], total| page(names, total, Next::Counted);
        assert_eq!(read(vec![counted(&["a", "b"], Some(3)), counted(&["c"], Some(3))]), Ok((vec!["a", "b", "c"], 2)));
        assert_eq!(read(vec![counted(&["a"], None), counted(&[], None)]), Ok((vec!["a"], 2)));
        assert_eq!(read(vec![counted(&["a"], None), counted(&["a"], None)]), Ok((vec!["a"], 2)));
        assert_eq!(read(vec![counted(&[], Some(0))]), Ok((vec![], 1)));
    }

    #[test]
    fn a_page_by_token_may_be_empty_and_a_repeated_entry_is_told_once() {
        let pages = vec![
            page(&["a", "b"], None, Next::Token("1".to_owned())),
            page(&[], None, Next::Token("2".to_owned())),
            page(&["b", "c"], None, Next::Last),
        ];
        assert_eq!(read(pages), Ok((vec!["a", "b", "c"], 3)));
        let stuck =
            vec![page(&["a"], None, Next::Token("1".to_owned())), page(&["b"], None, Next::Token("1".to_owned()))];
        assert!(matches!(read(stuck), Err(Error::Fatal(_))));
    }

    #[test]
    fn a_lost_page_is_read_again() {
        let counted = |names: &[&'static str]| page(names, Some(4), Next::Counted);
        let pages = vec![counted(&["a", "b"]), counted(&[]), counted(&["a", "b"]), counted(&["c", "d"])];
        assert_eq!(read(pages), Ok((vec!["a", "b", "c", "d"], 4)));
    }

    #[test]
    fn a_list_that_shrank_is_read_again_since_entries_moved_over_the_edge_of_a_page() {
        let counted = |names: &[&'static str], total| page(names, Some(total), Next::Counted);
        let pages = vec![counted(&["a", "b"], 4), counted(&["d"], 3), counted(&["b", "c"], 3), counted(&["d"], 3)];
        assert_eq!(read(pages), Ok((vec!["a", "b", "d", "c"], 4)));
    }

    #[test]
    fn a_list_that_stays_short_is_an_error() {
        let counted = |names: &[&'static str]| page(names, Some(4), Next::Counted);
        let pass = || [counted(&["a", "b"]), counted(&[])];
        let error = read(pass().into_iter().chain(pass()).chain(pass()).collect()).expect_err("short");
        let text = "the list of things is incomplete: 2 of 4 came, however often it was asked for; run again later";
        assert_eq!(error, Error::Fatal(text.to_owned()));
    }
}
