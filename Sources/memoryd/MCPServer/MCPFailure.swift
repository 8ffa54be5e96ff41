import Continuity
import Core

/// A failure inside a tool, in words for its caller.
struct MCPFailure: Error {
  let message: String

  /// - Returns: What a tool's caller is told about an error; about one that nobody foresaw only its
  ///   type, as its text may hold anything.
  static func message(of error: any Error) -> String {
    switch error {
    case let error as MCPFailure: error.message
    case let error as StoreError: error.message + (error.hint.map { "; \($0)" } ?? "")
    case let error as CommandError: error.message + (error.hint.map { "; \($0)" } ?? "")
    default: "memoryd could not do it (\(type(of: error)))"
    }
  }
}
