//! Files that are read several times, and hashed each time.

use super::load_error::LoadError;
use super::problem::WrongFile;
use crate::store::Hash;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

/// A file, which is read several times.
pub struct Source<'f> {
    pub name: String,
    pub open: Box<dyn Fn() -> io::Result<Box<dyn Read>> + 'f>,
}

/// Files that are checked and loaded together.
pub struct Files<'f> {
    pub pais: Vec<Source<'f>>,
    pub charges: Option<Source<'f>>,
}

impl Source<'_> {
    pub(super) fn open_hashed(&self) -> Result<HashedFile, LoadError> {
        let file = (self.open)().map_err(|error| self.is_not(WrongFile(error.to_string())))?;
        Ok(HashedFile { file, hash: FileHash::default() })
    }

    pub(super) fn is_not(&self, WrongFile(why): WrongFile) -> LoadError {
        LoadError::WrongFile { name: self.name.clone(), why }
    }
}

/// A file whose bytes are hashed as they are read.
pub(super) struct HashedFile {
    file: Box<dyn Read>,
    hash: FileHash,
}

impl HashedFile {
    pub(super) fn hash(&self) -> FileHash {
        self.hash.clone()
    }
}

impl Read for HashedFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        self.hash.0.borrow_mut().update(&bytes[..read]);
        Ok(read)
    }
}

/// The SHA-256 of what was read.
#[derive(Clone, Default)]
pub(super) struct FileHash(Rc<RefCell<Sha256>>);

impl FileHash {
    pub(super) fn finish(&self) -> Hash {
        self.0.borrow().clone().finalize().into()
    }
}
