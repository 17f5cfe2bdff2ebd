//! What kinds of failures there are, and what to do about each.

/// The kind of an image that no job could be made of.
pub(super) const REJECTED: &str = "rejected";

/// The kind of a source that broke off.
pub(super) const UNLISTED: &str = "unlisted";

/// What a failure of this kind is, and what to do next. A hint of the failure itself knows more.
pub(super) fn of(class: &str) -> (&'static str, &'static str) {
    match class {
        "retry" => (
            "Connections that broke, or registries that failed",
            "Run the workflow again with --resume. If the same host fails again, look at its own logs, and lower `limits.images`.",
        ),
        "wait" => (
            "Registries that asked for more time than they were given",
            "Run the workflow again with --resume, with a `qps` for the host or a longer `retry.patience`.",
        ),
        "unauthorized" => (
            "Logins that were refused",
            "Check the credentials of the host under `registries:`, and whether they may read the source or write the target.",
        ),
        "not-found" => (
            "Images that are not there",
            "Look for the names at the source, with the login of the workflow. What is gone for good can be left out with `select`.",
        ),
        "exists" => (
            "Tags that hold something else",
            "Say `existing: overwrite` to replace them, or `existing: skip` to leave them.",
        ),
        "unsupported" => (
            "Images of a kind that cannot be moved",
            "Push them again with a current Docker or skopeo, which makes them schema 2.",
        ),
        "corrupt" => (
            "Bytes that are not what their digest says",
            "The source registry holds damaged blobs: push these images there again.",
        ),
        "duplicate" => {
            ("Images that would land in one place", "Let a mapper give them different names, or narrow `select`.")
        }
        "missing" | "different" => (
            "Targets that are not as their sources",
            "Run the workflow again. If a source's tag has moved since, that is why.",
        ),
        "incomplete" => ("Targets that are not whole", "Delete these images at the target and run the workflow again."),
        "stopped" => ("Images that were left when the run was stopped", "Go on with --resume."),
        "upload" | "repair" => (
            "Uploads that the registry lost",
            "Run the workflow again with --resume. If it happens again, the registry's storage needs a look.",
        ),
        REJECTED => (
            "Images that no job could be made of",
            "Their names break the rules of registries, or no target is known: a mapper can rename them, `select` leave them out.",
        ),
        UNLISTED => (
            "Sources whose list broke off",
            "What was listed was done; the rest is unknown. Run the workflow again with --resume once the source can be listed.",
        ),
        _ => ("Failures that another try would not mend", "Read the message and the hint of each."),
    }
}
