//! What is sent to the builder: an archive that is the same bytes for the same files.

use std::io;

use bytes::Bytes;

use super::source::SourceFile;

/// The archive of these files: sorted, without times and owners.
///
/// # Errors
///
/// When a path is too long for an archive.
pub fn archive(files: &[SourceFile]) -> io::Result<Bytes> {
    let mut sorted: Vec<&SourceFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut archive = tar::Builder::new(Vec::new());
    for file in sorted {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(file.bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, &file.path, file.bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.into())
}

/// The archive of an empty folder of a user. Unpacked into an image it has no time, which a copy of a folder would have.
///
/// # Errors
///
/// When the name is too long for an archive.
pub fn empty_folder(name: &str, user: u64) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o755);
    header.set_mtime(0);
    header.set_uid(user);
    header.set_gid(user);
    archive.append_data(&mut header, name, io::empty())?;
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), bytes: path.as_bytes().to_vec() }
    }

    #[test]
    fn the_order_of_the_files_does_not_matter() {
        let one = archive(&[file("b/c"), file("a")]).unwrap();
        assert_eq!(one, archive(&[file("a"), file("b/c")]).unwrap());
        let mut read = tar::Archive::new(one.as_ref());
        let paths: Vec<_> = read.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
        assert_eq!(paths, [std::path::Path::new("a"), std::path::Path::new("b/c")]);
    }
}
