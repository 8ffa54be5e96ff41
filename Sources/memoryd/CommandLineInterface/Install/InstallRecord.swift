import Core
import Foundation

/// What `install` found in an agent's files and left there, kept in memoryd's own folder, so that
/// `--uninstall` can leave every byte as it was.
struct InstallRecord: Codable, Sendable {
  struct File: Codable, Sendable, Equatable {
    var path: String
    /// False for a file that `install` made.
    var existed: Bool
    /// The copy of what was there before.
    var backup: String?
    /// The fingerprint of what was there before.
    var was: String?
    /// What stood in each place that `install` changed.
    var before: HookSettings.Before?
    /// The topmost folder that `install` made for it.
    var madeFolder: String?
    /// Unix ms.
    var installedAt: Int64
  }

  private(set) var files: [File] = []

  /// - Parameter home: memoryd's own folder.
  init(home: String) {
    let bytes = try? RegularFile.read(Self.path(home), limit: 1 << 20)
    guard let bytes, let kept = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
      return
    }
    self = kept
  }

  private static func path(_ home: String) -> String { home + "/installs.json" }

  func write(home: String) throws(StoreError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let data = (try? encoder.encode(self)) ?? Data("{}".utf8)
    try RegularFile.makeFolder(home)
    try RegularFile.writeAtomically(Array(data), to: Self.path(home))
  }

  subscript(path: String) -> File? {
    get { files.first { $0.path == path } }
    set {
      files.removeAll { $0.path == path }
      if let newValue { files.append(newValue) }
    }
  }

  /// Length and FNV-1a hash: tells whether a file is what it was, no more.
  static func fingerprint(_ bytes: [UInt8]) -> String {
    let hash = FNV1a.hash(bytes)
    return "\(bytes.count)-\(String(hash, radix: 16))"
  }
}
