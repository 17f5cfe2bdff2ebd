//! From the traits to the exports of a component: the resources that hold an opened plugin, and the macros.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::Credential;
use crate::Destination;
use crate::Ensured;
use crate::Error;
use crate::Image;
use crate::Result;
use crate::Wanted;
use crate::bindings;
use crate::config;
use crate::plugin::Credentials;
use crate::plugin::Mapper;
use crate::plugin::Plugin;
use crate::plugin::Provisioner;
use crate::plugin::Source;

/// Exports who the plugin is: `export_plugin!(MyPlugin)` where `MyPlugin: Plugin`. Once in each plugin.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Exported<$plugin>;
    $crate::bindings::info::export_info!(Exported with_types_in $crate::bindings::info);
        };
    };
}

/// Exports a source: `export_source!(MySource)` where `MySource: Source`.
#[macro_export]
macro_rules! export_source {
    ($source:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Exported<$source>;
    $crate::bindings::source::export_source!(Exported with_types_in $crate::bindings::source);
        };
    };
}

/// Exports a mapper: `export_mapper!(MyMapper)` where `MyMapper: Mapper`.
#[macro_export]
macro_rules! export_mapper {
    ($mapper:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Exported<$mapper>;
    $crate::bindings::mapper::export_mapper!(Exported with_types_in $crate::bindings::mapper);
        };
    };
}

/// Exports a provisioner: `export_provisioner!(MyProvisioner)` where `MyProvisioner: Provisioner`.
#[macro_export]
macro_rules! export_provisioner {
    ($provisioner:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Exported<$provisioner>;
            $crate::bindings::provisioner::export_provisioner!(
                Exported with_types_in $crate::bindings::provisioner
            );
        };
    };
}

/// Exports an issuer of credentials: `export_credentials!(MyIssuer)` where `MyIssuer: Credentials`.
#[macro_export]
macro_rules! export_credentials {
    ($credentials:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Exported<$credentials>;
            $crate::bindings::credentials::export_credentials!(
                Exported with_types_in $crate::bindings::credentials
            );
        };
    };
}

/// A trait of this crate seen as the export that the contract wants.
#[derive(Debug)]
pub struct Exported<T>(PhantomData<T>);

/// What a resource of the contract holds: an opened plugin.
#[derive(Debug)]
pub struct Opened<T>(RefCell<T>);

impl<T> Opened<T> {
    fn new(plugin: T) -> Self {
        Self(RefCell::new(plugin))
    }
}

/// A panic would reach the host as a bare trap: its message goes to the log first.
fn log_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| crate::error!("{panic}")));
}

impl<T: Plugin> bindings::info::exports::image_transfer::plugin::plugin_info::Guest for Exported<T> {
    fn describe() -> bindings::info::exports::image_transfer::plugin::plugin_info::Info {
        bindings::info::exports::image_transfer::plugin::plugin_info::Info {
            name: T::INFO.name.to_owned(),
            version: T::INFO.version.to_owned(),
            summary: T::INFO.summary.to_owned(),
            config_schema: T::INFO.config_schema.to_owned(),
            hosts: T::INFO.hosts.iter().map(|host| (*host).to_owned()).collect(),
        }
    }
}

impl<T: Source> bindings::source::exports::image_transfer::plugin::source::Guest for Exported<T> {
    type Enumerator = Opened<T>;
}

impl<T: Source> bindings::source::exports::image_transfer::plugin::source::GuestEnumerator for Opened<T> {
    fn open(
        config: String,
        position: Option<String>,
    ) -> Result<bindings::source::exports::image_transfer::plugin::source::Enumerator> {
        log_panics();
        let source = T::open(config::parse(&config)?, position)?;
        Ok(bindings::source::exports::image_transfer::plugin::source::Enumerator::new(Opened::new(source)))
    }

    fn next(&self) -> Result<Option<Vec<Image>>> {
        self.0.borrow_mut().next()
    }

    fn position(&self) -> Option<String> {
        self.0.borrow().position()
    }
}

impl<T: Mapper> bindings::mapper::exports::image_transfer::plugin::mapper::Guest for Exported<T> {
    type Mapping = Opened<T>;
}

impl<T: Mapper> bindings::mapper::exports::image_transfer::plugin::mapper::GuestMapping for Opened<T> {
    fn open(config: String) -> Result<bindings::mapper::exports::image_transfer::plugin::mapper::Mapping> {
        log_panics();
        let mapper = T::open(config::parse(&config)?)?;
        Ok(bindings::mapper::exports::image_transfer::plugin::mapper::Mapping::new(Opened::new(mapper)))
    }

    fn map_images(&self, images: Vec<Image>) -> Vec<std::result::Result<Vec<Destination>, Error>> {
        let mapper = self.0.borrow();
        images.iter().map(|image| mapper.map(image)).collect()
    }
}

impl<T: Provisioner> bindings::provisioner::exports::image_transfer::plugin::provisioner::Guest for Exported<T> {
    type Preparation = Opened<T>;
}

impl<T: Provisioner> bindings::provisioner::exports::image_transfer::plugin::provisioner::GuestPreparation
    for Opened<T>
{
    fn open(
        config: String,
    ) -> Result<bindings::provisioner::exports::image_transfer::plugin::provisioner::Preparation> {
        log_panics();
        let provisioner = T::open(config::parse(&config)?)?;
        Ok(bindings::provisioner::exports::image_transfer::plugin::provisioner::Preparation::new(Opened::new(
            provisioner,
        )))
    }

    fn ensure(&self, repositories: Vec<Wanted>) -> Vec<Result<Ensured>> {
        let mut provisioner = self.0.borrow_mut();
        repositories.iter().map(|repository| provisioner.ensure(repository)).collect()
    }
}

impl<T: Credentials> bindings::credentials::exports::image_transfer::plugin::credentials::Guest for Exported<T> {
    type Issuer = Opened<T>;
}

impl<T: Credentials> bindings::credentials::exports::image_transfer::plugin::credentials::GuestIssuer for Opened<T> {
    fn open(config: String) -> Result<bindings::credentials::exports::image_transfer::plugin::credentials::Issuer> {
        log_panics();
        let issuer = T::open(config::parse(&config)?)?;
        Ok(bindings::credentials::exports::image_transfer::plugin::credentials::Issuer::new(Opened::new(issuer)))
    }

    fn issue(&self, registry: String) -> Result<Credential> {
        self.0.borrow_mut().issue(&registry)
    }
}
