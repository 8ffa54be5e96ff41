package import Checkpoints
package import Core
package import MemoryStore

/// What somebody who writes a handoff asks for.
package struct HandoffRequest {
  package var project: ProjectReference
  /// True if the caller named it; else a session's own counts more than the working folder.
  package var isProjectNamed = false
  /// An id, or the beginning of one; nil takes the caller's own session.
  package var session: SessionID?
  /// Who writes it, and for whom and about what: a handoff with a recipient is a message.
  package var sender: String?
  package var recipient: String?
  package var topic: String?
  /// Markdown.
  package var note: String?
  package var isHTML = false
  package var place = Place.folder

  package init(project: ProjectReference) {
    self.project = project
  }

  /// Where the document goes, beside the store.
  package enum Place {
    /// `.handoff/` of the repository.
    case folder
    case file(String)
    /// The caller shows it.
    case nowhere
  }
}

/// A handoff that is in the store, and in a file where one was asked for.
package struct WrittenHandoff {
  package var acknowledgement: DurableWriter.Acknowledgement
  package var checkpoint: DurableWriter.Acknowledgement
  package var handoff: Handoff
  /// As it was written.
  package var document: String
  package var path: String?
  package var achievements: [Ledger.Entry]
  package var session: SessionReference?
  /// What could not be looked at.
  package var remarks: [String]
}
