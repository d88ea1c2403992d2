//! An empty folder in which `helix init` is called, and what is done there from then on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::stand_ins::StandIn;
use crate::support::{Ran, isolate};

pub struct Scene {
    folder: tempfile::TempDir,
    stand_in: StandIn,
    images: Vec<String>,
    /// All that the tool said.
    said: Mutex<String>,
}

impl Scene {
    /// A project that `helix init` has made in an empty folder, with the settings that lead to the stand-in.
    pub fn new(stand_in: StandIn) -> Self {
        let scene = Self::empty(stand_in);
        let made = scene.data(&[&["init"], scene.stand_in.init, &["-n", "prod"]].concat(), 0);
        let instances = made["instances"].as_array().unwrap();
        assert!(instances.contains(&"prod".into()), "{made}");
        let file = scene.root().join("helix.toml");
        let port = format!("port = {}", scene.stand_in.port);
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("port = 6969", &port)).unwrap();
        scene.lead();
        scene
    }

    /// An empty folder.
    pub fn empty(stand_in: StandIn) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = Self { folder, stand_in, images: Vec::new(), said: Mutex::default() };
        fs::create_dir_all(scene.root()).unwrap();
        fs::create_dir_all(scene.folder().join("home")).unwrap();
        scene
    }

    /// Writes the settings that lead to the stand-in into the table of the instance: the last one of the file.
    pub fn lead(&self) {
        let file = self.root().join("helix.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}{}\n", self.stand_in.settings)).unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn root(&self) -> PathBuf {
        self.folder().join("shop")
    }

    /// A program in the folder, with the variables that lead to the stand-in.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root());
        isolate(&mut command, &self.folder().join("home"));
        command.envs(self.stand_in.env.iter().map(|(name, value)| (*name, value)));
        command
    }

    pub fn helix(&self, args: &[&str]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_helix"));
        command.args(args);
        let ran = Ran::of(command.output().unwrap());
        let mut said = self.said.lock().unwrap();
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
        drop(said);
        ran
    }

    /// The `data` of a command.
    #[track_caller]
    pub fn data(&self, args: &[&str], code: i32) -> Value {
        let document = self.helix(&[args, &["--json"]].concat()).code(code).json();
        assert!(document["data"].is_object(), "{document}");
        document["data"].clone()
    }

    /// The same of one that is given an image, where the target takes one.
    #[track_caller]
    pub fn with_image(&self, args: &[&str], image: Option<&str>, code: i32) -> Value {
        match image {
            Some(image) => self.data(&[args, &["--image", image]].concat(), code),
            None => self.data(args, code),
        }
    }

    /// An image that serves the queries as they are now, with the labels of a built one; none for a target that takes none.
    pub fn image(&mut self) -> Option<String> {
        self.image_of("prod")
    }

    /// The same for an instance of that name.
    pub fn image_of(&mut self, instance: &str) -> Option<String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let cli = self.stand_in.images?;
        let _ = fs::remove_dir_all(self.root().join("compiled"));
        self.data(&["compile", "--output", "compiled"], 0);
        let mut files = fs::read_dir(self.root().join("compiled")).unwrap().flatten().map(|entry| entry.path());
        let plan = files.find(|path| path.extension().is_some_and(|extension| extension == "hxplan")).unwrap();
        let tag = format!("helix-test-rehearsal:{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let labels = [("dev.helix.managed", "true"), ("dev.helix.instance", instance)];
        cli.import(&tag, &fs::read(plan).unwrap(), &labels);
        self.images.push(tag.clone());
        Some(tag)
    }

    /// Adds this to the queries.
    pub fn edit(&self, more: &str) {
        let file = self.root().join("db/queries.hx");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{text}{more}")).unwrap();
    }

    /// What the stand-in was called since it was last asked, as `METHOD what`.
    pub fn calls(&self) -> Vec<String> {
        (self.stand_in.calls)()
    }

    pub fn removes_with(&self) -> Option<&'static str> {
        self.stand_in.removes_with
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.helix(&["stop", "--all", "--timeout", "5s"]);
        let Some(cli) = self.stand_in.images else { return };
        if std::thread::panicking() {
            // What a test that fails leaves behind.
            self.helix(&["delete", "prod", "--yes"]);
        }
        for image in &self.images {
            cli.try_run(&["rmi", "-f", image]);
        }
    }
}
