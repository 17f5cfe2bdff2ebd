//! The way through a list of Quay, which tells no totals: a page that it announced and did not give, or gave twice, is noticed by the
//! page before, and asked for again.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;

/// Times that a page is asked for.
const TRIES: u32 = 4;

/// Where a page is, as the pager's token carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Quay's own word for the page; empty for the first.
    pub(crate) page: String,
    /// How often it was asked for before.
    tries: u32,
    /// The first entry of the page before; empty before the first.
    former: String,
}

impl Mark {
    /// Of the page that is at `place`.
    pub(crate) fn of(place: &Place) -> Self {
        let mut parts = place.token.as_deref().unwrap_or_default().splitn(3, '\n');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (tries, former, page) = (part(), part(), part());
        Self { page, tries: tries.parse().unwrap_or_default(), former }
    }

    fn write(&self) -> String {
        format!("{}\n{}\n{}", self.tries, self.former, self.page)
    }

    /// The page as the pager takes it: with the way on, where there is one, or to itself, where something is wrong with it.
    ///
    /// `on`: Quay's word for the next page. An empty first page is asked for twice: it may be true.
    pub(crate) fn page<T>(
        &self,
        items: Vec<T>,
        on: Option<String>,
        name: impl Fn(&T) -> &str,
        what: &str,
    ) -> Result<Page<T>> {
        let first = items.first().map(|item| name(item).to_owned());
        let begins = self.page.is_empty();
        let wrong = first.as_ref().is_none_or(|first| *first == self.former && !begins);
        let next = match on {
            _ if begins && wrong && self.tries > 0 => Next::Last,
            _ if wrong && self.tries + 1 < TRIES => Next::Token(Self { tries: self.tries + 1, ..self.clone() }.write()),
            _ if wrong => {
                return Err(Error::Fatal(format!(
                    "the list of {what} is incomplete: Quay told of another page and did not give it, however often it was asked for; \
                     run again later"
                )));
            }
            Some(page) => Next::Token(Self { page, tries: 0, former: first.unwrap_or_default() }.write()),
            None => Next::Last,
        };
        let items = if wrong { Vec::new() } else { items };
        Ok(Page { items, total: None, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads pages, each with the next one's word, until the list ends; what came, and the pages that were asked for.
    fn read(pages: &[(&[&'static str], &str)]) -> (Result<Vec<&'static str>>, Vec<String>) {
        let (mut place, mut all, mut asked) = (Place::default(), Vec::new(), Vec::new());
        for (items, on) in pages {
            let mark = Mark::of(&place);
            asked.push(mark.page.clone());
            let on = Some((*on).to_owned()).filter(|on| !on.is_empty());
            match mark.page(items.to_vec(), on, |item| item, "things") {
                Err(error) => return (Err(error), asked),
                Ok(page) => {
                    all.extend(page.items);
                    match page.next {
                        Next::Token(token) => place.token = Some(token),
                        _ => return (Ok(all), asked),
                    }
                }
            }
        }
        panic!("not ended: {asked:?}");
    }

    #[test]
    fn pages_lead_on_by_their_words() {
        let (all, asked) = read(&[(&["a", "b"], "x"), (&["c"], "")]);
        assert_eq!((all, asked), (Ok(vec!["a", "b", "c"]), vec![String::new(), "x".to_owned()]));
    }

    #[test]
    fn a_page_that_was_lost_or_came_twice_is_asked_for_again() {
        let (all, asked) = read(&[(&["a", "b"], "x"), (&[], ""), (&["a", "b"], "x"), (&["c"], "")]);
        assert_eq!(all, Ok(vec!["a", "b", "c"]));
        assert_eq!(asked, ["", "x", "x", "x"]);
    }

    #[test]
    fn a_page_that_stays_lost_is_an_error() {
        let lost: (&[&str], &str) = (&[], "");
        let (error, asked) = read(&[(&["a"], "x"), lost, lost, lost, lost]);
        assert!(matches!(error, Err(Error::Fatal(text)) if text.contains("the list of things is incomplete")));
        assert_eq!(asked.len(), 5);
    }

    #[test]
    fn an_empty_list_is_asked_for_twice() {
        assert_eq!(read(&[(&[], ""), (&[], "")]).0, Ok(vec![]));
        assert_eq!(read(&[(&[], ""), (&["a"], "")]).0, Ok(vec!["a"]));
    }
}
