import Core
import GRDB

/// An id that goes into statements, and comes out of rows, as the text that it is.
///
/// The protocol is no more than this module's, so that nobody else sees GRDB's.
protocol StoredIdentifier: Identifier, DatabaseValueConvertible, StatementColumnConvertible {}

extension RecordID: StoredIdentifier {}
extension RequestID: StoredIdentifier {}
extension SessionID: StoredIdentifier {}
extension VaultID: StoredIdentifier {}
