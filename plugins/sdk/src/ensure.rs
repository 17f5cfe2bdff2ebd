//! Making what a push needs, once: look, make, and on any failure look again.
//!
//! Providers answer differently, and seldom as documented, when what is to be made is there already. So what a failure means is asked
//! of the list and not of the code.

use std::collections::HashMap;

use crate::Ensured;
use crate::Error;
use crate::Result;
use crate::Wanted;

/// Something that repositories lie in or that they are: a namespace, a project, the repository itself.
pub trait Place {
    /// Whether it is there and can be pushed to; that it is there and cannot is an error.
    fn exists(&mut self, name: &str) -> Result<bool>;

    /// Makes it. `public`: whether anyone may pull from it.
    fn create(&mut self, name: &str, public: bool) -> Result<()>;
}

/// What is known of places by name.
#[derive(Debug)]
pub struct Ensure<P> {
    place: P,
    known: HashMap<String, Result<()>>,
}

impl<P: Place> Ensure<P> {
    /// Nothing is known yet.
    pub fn new(place: P) -> Self {
        Self { place, known: HashMap::new() }
    }

    /// The place itself.
    pub fn place(&mut self) -> &mut P {
        &mut self.place
    }

    /// Sees to it that `name` is there. What was refused for good stays refused, without another request.
    pub fn ensure(&mut self, name: &str, public: bool) -> Result<Ensured> {
        match self.known.get(name) {
            Some(Ok(())) => return Ok(Ensured::Existed),
            Some(Err(error)) => return Err(error.clone()),
            None => {}
        }
        let ensured = self.look_and_make(name, public);
        match &ensured {
            Ok(_) => drop(self.known.insert(name.to_owned(), Ok(()))),
            Err(Error::RateLimited(_) | Error::Unavailable(_)) => {}
            Err(error) => drop(self.known.insert(name.to_owned(), Err(error.clone()))),
        }
        ensured
    }

    fn look_and_make(&mut self, name: &str, public: bool) -> Result<Ensured> {
        if self.place.exists(name)? {
            return Ok(Ensured::Existed);
        }
        match self.place.create(name, public) {
            Ok(()) => Ok(Ensured::Created),
            Err(error) => match self.place.exists(name) {
                Ok(true) => Ok(Ensured::Existed),
                // Why it was not made says more than why it is not there.
                Ok(false) | Err(_) => Err(error),
            },
        }
    }
}

/// Whether to make a namespace public: as it was at the source, and private where the source does not say.
#[must_use]
pub fn is_public(wanted: &Wanted, attribute: &str) -> bool {
    wanted.attributes.iter().any(|(name, value)| name == attribute && value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that are there, names that cannot be made, and what was asked.
    #[derive(Default)]
    struct Table {
        there: Vec<String>,
        refused: Option<Error>,
        appears: bool,
        asked: Vec<String>,
    }

    impl Place for Table {
        fn exists(&mut self, name: &str) -> Result<bool> {
            self.asked.push(format!("look {name}"));
            Ok(self.there.iter().any(|other| other == name))
        }

        fn create(&mut self, name: &str, public: bool) -> Result<()> {
            self.asked.push(format!("make {name} {public}"));
            if self.appears {
                self.there.push(name.to_owned());
            }
            match self.refused.clone() {
                Some(error) => Err(error),
                None => Ok(()),
            }
        }
    }

    #[test]
    fn what_is_missing_is_made_once() {
        let mut ensure = Ensure::new(Table { there: vec!["a".to_owned()], ..Table::default() });
        assert_eq!(ensure.ensure("a", false), Ok(Ensured::Existed));
        assert_eq!(ensure.ensure("b", true), Ok(Ensured::Created));
        assert_eq!(ensure.ensure("b", true), Ok(Ensured::Existed));
        assert_eq!(ensure.place().asked, ["look a", "look b", "make b true"]);
    }

    #[test]
    fn what_someone_else_made_meanwhile_is_there_whatever_the_error() {
        let refused = Some(Error::Fatal("conflict".to_owned()));
        let mut ensure = Ensure::new(Table { refused, appears: true, ..Table::default() });
        assert_eq!(ensure.ensure("a", false), Ok(Ensured::Existed));
    }

    #[test]
    fn a_refusal_stays_and_what_may_pass_is_tried_again() {
        let refused = Error::Unauthorized("no".to_owned());
        let mut ensure = Ensure::new(Table { refused: Some(refused.clone()), ..Table::default() });
        assert_eq!(ensure.ensure("a", false), Err(refused.clone()));
        assert_eq!(ensure.ensure("a", false), Err(refused));
        assert_eq!(ensure.place().asked.len(), 3);
        ensure.place().refused = Some(Error::RateLimited(None));
        assert_eq!(ensure.ensure("b", false), Err(Error::RateLimited(None)));
        ensure.place().refused = None;
        assert_eq!(ensure.ensure("b", false), Ok(Ensured::Created));
    }
}
