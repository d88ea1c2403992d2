//! Where a container runtime may listen: what the user said first, then the docker context, then the usual sockets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::Runtime;

/// What of the surroundings says where a container runtime listens.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The variables of this process.
    pub vars: BTreeMap<String, String>,
    /// The user, as the system numbers them.
    pub uid: u32,
}

/// An address that a runtime may listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address, as in `DOCKER_HOST`.
    pub host: String,
    /// Whether the user named it: nothing else is tried then.
    pub named: bool,
}

impl Environment {
    /// The surroundings of this process, whose variables are given.
    #[must_use]
    pub fn new(vars: &BTreeMap<String, String>) -> Self {
        Self { vars: vars.clone(), uid: rustix::process::geteuid().as_raw() }
    }

    fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<&Path> {
        self.var("HOME").map(Path::new)
    }

    /// Where `runtime` may listen, the likeliest first.
    #[must_use]
    pub fn candidates(&self, runtime: Runtime) -> Vec<Candidate> {
        let named = match runtime {
            Runtime::Docker => self.var("DOCKER_HOST").map(str::to_owned).or_else(|| self.context()),
            Runtime::Podman => self.var("CONTAINER_HOST").map(str::to_owned),
        };
        if let Some(host) = named {
            return vec![Candidate { host, named: true }];
        }
        self.sockets(runtime)
            .into_iter()
            .map(|path| Candidate { host: format!("unix://{}", path.display()), named: false })
            .collect()
    }

    /// The sockets of the system, of a rootless daemon, and of what runs one in a virtual machine.
    fn sockets(&self, runtime: Runtime) -> Vec<PathBuf> {
        let user = match self.var("XDG_RUNTIME_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(format!("/run/user/{}", self.uid)),
        };
        let in_home = |paths: &[&str]| -> Vec<PathBuf> {
            self.home().map(|home| paths.iter().map(|path| home.join(path)).collect()).unwrap_or_default()
        };
        match runtime {
            Runtime::Docker => {
                let mut sockets = vec![PathBuf::from("/var/run/docker.sock"), user.join("docker.sock")];
                sockets.extend(in_home(&[
                    ".docker/run/docker.sock",
                    ".docker/desktop/docker.sock",
                    ".orbstack/run/docker.sock",
                    ".colima/default/docker.sock",
                    ".config/colima/default/docker.sock",
                    ".rd/docker.sock",
                ]));
                sockets
            }
            Runtime::Podman => {
                let system = PathBuf::from("/run/podman/podman.sock");
                let own = user.join("podman/podman.sock");
                let mut sockets = if self.uid == 0 { vec![system, own] } else { vec![own, system] };
                sockets.extend(in_home(&[
                    ".local/share/containers/podman/machine/podman.sock",
                    ".local/share/containers/podman/machine/qemu/podman.sock",
                    ".local/share/containers/podman/machine/podman-machine-default/podman.sock",
                ]));
                sockets
            }
        }
    }

    /// The address of the docker context that is in use, unless that is the usual one.
    fn context(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Config {
            current_context: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Meta {
            endpoints: BTreeMap<String, Endpoint>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Endpoint {
            host: Option<String>,
        }

        let folder = match self.var("DOCKER_CONFIG") {
            Some(folder) => PathBuf::from(folder),
            None => self.home()?.join(".docker"),
        };
        let name = match self.var("DOCKER_CONTEXT") {
            Some(name) => name.to_owned(),
            None => {
                let text = fs::read(folder.join("config.json")).ok()?;
                serde_json::from_slice::<Config>(&text).ok()?.current_context?
            }
        };
        if name.is_empty() || name == "default" {
            return None;
        }
        let digest = hex::encode(Sha256::digest(name.as_bytes()));
        let text = fs::read(folder.join("contexts/meta").join(digest).join("meta.json")).ok()?;
        let mut meta: Meta = serde_json::from_slice(&text).ok()?;
        meta.endpoints.remove("docker")?.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(vars: &[(&str, &str)], uid: u32) -> Environment {
        Environment { vars: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), uid }
    }

    fn hosts(environment: &Environment, runtime: Runtime) -> Vec<String> {
        environment.candidates(runtime).into_iter().map(|candidate| candidate.host).collect()
    }

    #[test]
    fn what_the_user_names_is_all_that_is_tried() {
        let named = environment(&[("DOCKER_HOST", "tcp://10.0.0.1:2375"), ("HOME", "/h")], 1000);
        let expected = Candidate { host: "tcp://10.0.0.1:2375".to_owned(), named: true };
        assert_eq!(named.candidates(Runtime::Docker), [expected]);
        assert!(hosts(&named, Runtime::Podman).iter().all(|host| host.contains("podman")));
    }

    #[test]
    fn the_usual_sockets_are_tried_in_turn() {
        let plain = environment(&[("HOME", "/h")], 1000);
        insta::assert_debug_snapshot!((hosts(&plain, Runtime::Docker), hosts(&plain, Runtime::Podman)));
    }

    #[test]
    fn the_context_in_use_says_where() {
        let home = tempfile::tempdir().unwrap();
        let docker = home.path().join(".docker");
        let meta = docker.join("contexts/meta").join(hex::encode(Sha256::digest(b"colima")));
        fs::create_dir_all(&meta).unwrap();
        fs::write(docker.join("config.json"), r#"{"auths": {}, "currentContext": "colima"}"#).unwrap();
        let text =
            r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///c.sock","SkipTLSVerify":false}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        let path = home.path().display().to_string();
        let found = environment(&[("HOME", &path)], 1000).candidates(Runtime::Docker);
        assert_eq!(found, [Candidate { host: "unix:///c.sock".to_owned(), named: true }]);
        let other = environment(&[("HOME", &path), ("DOCKER_CONTEXT", "default")], 1000);
        assert!(!other.candidates(Runtime::Docker)[0].named);
    }
}
