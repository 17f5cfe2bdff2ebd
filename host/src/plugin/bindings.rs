//! The contract in `wit/`, as wasmtime's generator reads it. One world for each capability; what they share is generated once.

#![expect(unreachable_pub, reason = "generated")]

pub mod source {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "source-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "wasi": wasmtime_wasi::p2::bindings,
            "image-transfer:plugin/registry.listing": crate::plugin::listing::Listing,
        },
    });
}

pub use source::image_transfer::plugin::http;
pub use source::image_transfer::plugin::log;
pub use source::image_transfer::plugin::registry;
pub use source::image_transfer::plugin::types;

/// One more world, which shares with the first all that it imports.
macro_rules! world {
    ($module:ident, $world:tt) => {
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../wit",
                world: $world,
                imports: { default: async | trappable },
                exports: { default: async },
                with: {
                    "wasi": wasmtime_wasi::p2::bindings,
                    "image-transfer:plugin/types": super::types,
                    "image-transfer:plugin/log": super::log,
                    "image-transfer:plugin/http": super::http,
                    "image-transfer:plugin/registry": super::registry,
                },
            });
        }
    };
}

world!(mapper, "mapper-plugin");
world!(provisioner, "provisioner-plugin");
world!(credentials, "credentials-plugin");
