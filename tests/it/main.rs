//! The tests of the whole: the binary as its users have it, and the engine behind it. One executable, so that what they share is compiled
//! and linked once; `generated`, `model` and `fuzz` beside it are built by soaks as well.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says why it is skipped")]

#[path = "../common/corpus.rs"]
mod corpus_files;
#[path = "../common/programs.rs"]
mod programs;
mod support;

mod airports;
mod architecture;
mod backup;
mod build;
mod busy;
mod checklist;
mod clients;
mod cloud;
mod cmd;
mod container_data;
mod containers;
mod contract;
mod corpus;
mod daemon;
mod deploy;
mod dev;
mod docker_build;
mod doctor;
mod ecr;
mod embed;
mod embedded;
mod explain;
mod fly;
mod format;
mod full;
mod guides;
mod http;
mod inspect;
mod install;
mod kill;
mod lookups;
mod mcp;
mod migrations;
mod openapi;
mod prompts;
mod registry;
mod release;
mod secrets;
mod settings;
mod signing;
mod text;
mod tool;
mod transfer;
