//! The plugin kit: a project is made, built with its language's own tools, tested offline, used in a workflow, handed on by a registry.

mod artifact;
mod examples;
mod fetch;
mod languages;
mod project;
mod trial;
