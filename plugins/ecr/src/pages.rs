//! Pages that look lost.
//!
//! ECR tells no totals: a list ends where a page comes without a token for the next. A page that is reached by a token and is empty
//! with nothing behind it, or that is the former one once more, may be how a list ends, or a page that something on the way lost. It is
//! asked for again, once: an empty one is then believed, a repeated one is an error.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::pager::Place;

/// The lists that are being read, by what they are called.
#[derive(Debug, Default)]
pub(crate) struct Pages(RefCell<HashMap<String, Former>>);

/// The last page that was taken, and the token of the page that was doubted.
#[derive(Debug, Default)]
struct Former {
    print: u64,
    doubted: Option<String>,
}

impl Pages {
    /// Takes note of the page at `place` with these names on it; an error that passes asks for it again. `more`: whether a page follows.
    pub(crate) fn check<'a>(
        &self,
        what: &str,
        place: &Place,
        names: impl Iterator<Item = &'a str>,
        more: bool,
    ) -> Result<()> {
        let mut lists = self.0.borrow_mut();
        let mut hasher = DefaultHasher::new();
        let count = names.inspect(|name| name.hash(&mut hasher)).count();
        let print = hasher.finish();
        if let Some(token) = &place.token {
            let former = lists.entry(what.to_owned()).or_default();
            let repeats = count > 0 && print == former.print;
            if repeats || (count == 0 && !more) {
                let text = format!("the list of {what} came to a page that is empty or repeats the one before");
                if former.doubted.as_ref() != Some(token) {
                    former.doubted = Some(token.clone());
                    return Err(Error::Unavailable(text));
                }
                if repeats {
                    return Err(Error::Fatal(format!("{text}, however often it was asked for; run again later")));
                }
            }
        }
        if more {
            lists.insert(what.to_owned(), Former { print, doubted: None });
        } else {
            lists.remove(what);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(token: Option<&str>) -> Place {
        Place { token: token.map(str::to_owned), ..Place::default() }
    }

    #[test]
    fn an_empty_end_is_believed_when_it_comes_again() {
        let pages = Pages::default();
        let check =
            |token, names: &[&'static str], more| pages.check("things", &place(token), names.iter().copied(), more);
        assert_eq!(check(None, &["a"], true), Ok(()));
        assert!(matches!(check(Some("1"), &[], false), Err(Error::Unavailable(_))));
        assert_eq!(check(Some("1"), &[], false), Ok(()));
        assert!(pages.0.borrow().is_empty());
    }

    #[test]
    fn a_repeated_page_is_an_error_unless_another_comes() {
        let pages = Pages::default();
        let check =
            |token, names: &[&'static str], more| pages.check("things", &place(token), names.iter().copied(), more);
        assert_eq!(check(None, &["a"], true), Ok(()));
        assert!(matches!(check(Some("1"), &["a"], true), Err(Error::Unavailable(_))));
        assert_eq!(check(Some("1"), &["b"], true), Ok(()));
        assert!(matches!(check(Some("2"), &["b"], false), Err(Error::Unavailable(_))));
        assert!(matches!(check(Some("2"), &["b"], false), Err(Error::Fatal(_))));
    }

    #[test]
    fn an_empty_list_and_an_empty_page_in_the_middle_are_taken_as_they_are() {
        let pages = Pages::default();
        assert_eq!(pages.check("things", &place(None), std::iter::empty(), false), Ok(()));
        assert_eq!(pages.check("others", &place(None), ["a"].into_iter(), true), Ok(()));
        assert_eq!(pages.check("others", &place(Some("1")), std::iter::empty(), true), Ok(()));
    }
}
