//! The contract in `wit/`, as wasmtime's generator reads it. One world for each capability; what they share is generated once.

#![expect(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]

pub(super) mod source {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "source-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "wasi": wasmtime_wasi::p2::bindings,
            "image-transfer:plugin/registry.listing": crate::plugin::imports::Listing,
        },
    });
}

pub(super) use source::image_transfer::plugin::http;
pub(super) use source::image_transfer::plugin::log;
pub(super) use source::image_transfer::plugin::registry;
pub(super) use source::image_transfer::plugin::types;

pub(super) mod mapper {
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

pub(super) mod provisioner {
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

pub(super) mod credentials {
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
