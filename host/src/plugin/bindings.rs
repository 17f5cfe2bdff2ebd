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

pub mod mapper {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "mapper-plugin",
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

pub mod provisioner {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "provisioner-plugin",
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

pub mod credentials {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "credentials-plugin",
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
