//! What wit-bindgen makes of `wit/`: once here, and not again in each plugin.
//!
//! The worlds of the contract name combinations of capabilities. A plugin composes its own, so each capability is bound
//! in a world of one export, and whatever a plugin exports is united when its component is encoded. All of them share the
//! types and imports of [`host`].

#![expect(missing_docs, reason = "generated; the contract in wit/ documents every item")]
#![expect(clippy::pedantic, reason = "generated")]

/// The types of the contract and what the host offers.
pub mod host {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package image-transfer:sdk;
            world host {
                include image-transfer:plugin/imports@0.1.0;
                import image-transfer:plugin/types@0.1.0;
            }
        ",
        generate_all,
        runtime_path: "image_transfer_sdk::wit_bindgen::rt",
        additional_derives: [PartialEq, Eq],
    });
}

/// `plugin-info` as an export.
pub mod info {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package image-transfer:sdk;
            world info { export image-transfer:plugin/plugin-info@0.1.0; }
        ",
        runtime_path: "image_transfer_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_info",
        default_bindings_module: "image_transfer_sdk::bindings::info",
    });
}

/// `source` as an export.
pub mod source {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package image-transfer:sdk;
            world source { export image-transfer:plugin/source@0.1.0; }
        ",
        with: { "image-transfer:plugin/types@0.1.0": crate::bindings::host::image_transfer::plugin::types },
        runtime_path: "image_transfer_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_source",
        default_bindings_module: "image_transfer_sdk::bindings::source",
    });
}

/// `mapper` as an export.
pub mod mapper {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package image-transfer:sdk;
            world mapper { export image-transfer:plugin/mapper@0.1.0; }
        ",
        with: { "image-transfer:plugin/types@0.1.0": crate::bindings::host::image_transfer::plugin::types },
        runtime_path: "image_transfer_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_mapper",
        default_bindings_module: "image_transfer_sdk::bindings::mapper",
    });
}

/// `provisioner` as an export.
pub mod provisioner {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package image-transfer:sdk;
            world provisioner { export image-transfer:plugin/provisioner@0.1.0; }
        ",
        with: { "image-transfer:plugin/types@0.1.0": crate::bindings::host::image_transfer::plugin::types },
        runtime_path: "image_transfer_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_provisioner",
        default_bindings_module: "image_transfer_sdk::bindings::provisioner",
    });
}

/// `credentials` as an export.
pub mod credentials {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package image-transfer:sdk;
            world credentials { export image-transfer:plugin/credentials@0.1.0; }
        ",
        with: { "image-transfer:plugin/types@0.1.0": crate::bindings::host::image_transfer::plugin::types },
        runtime_path: "image_transfer_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_credentials",
        default_bindings_module: "image_transfer_sdk::bindings::credentials",
    });
}
