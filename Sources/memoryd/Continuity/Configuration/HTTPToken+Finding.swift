import Core
import Foundation

extension HTTPToken {
  /// - Throws: ``CommandError`` where a configured file is not to be used; ``StoreError``.
  package static func find(_ context: CallContext) throws -> HTTPToken {
    let settings = context.settings
    if !settings[.httpToken].isEmpty {
      return HTTPToken(text: settings[.httpToken], source: "http.token")
    }
    let configured = settings[.httpTokenFile]
    let file = configured.isEmpty ? context.home.data + "/http-token" : context.absolute(configured)
    do throws(StoreError) {
      // Whoever wrote it knows it.
      if let other = RegularFile.intruder(file) {
        throw StoreError(
          .invalid,
          other == .others
            ? "\(file) may be written by others" : "\(file) belongs to another user")
      }
      let text = FileText.string(try RegularFile.read(file, limit: 4096))
        .trimmingCharacters(in: .whitespacesAndNewlines)
      guard isStrong(text) else {
        throw StoreError(
          .invalid, "\(file) holds no token of at least \(leastLength) letters, digits or -._~")
      }
      return HTTPToken(text: text, source: file)
    } catch {
      guard error.code == .notFound, configured.isEmpty else {
        throw CommandError(
          .badConfiguration, "bad_token", error.message, hint: "set http.token or http.token_file")
      }
    }
    var generator = SystemRandomNumberGenerator()
    let text = (0..<4).map { _ in
      let part = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - part.count) + part
    }.joined()
    try RegularFile.makeFolder(context.home.data)
    try RegularFile.writeAtomically(Array((text + "\n").utf8), to: file)
    return HTTPToken(text: text, source: file)
  }
}
