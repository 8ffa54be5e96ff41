import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a hook must know of settings and of the vault without reading either: the file `front.state` of
/// a home, a few lines that the engine writes.
///
/// Secrets that are configured stand in it as hashes with a salt (``HashedSecrets``).
package struct FrontState: Sendable, Equatable {
  /// False where the person wants texts as they are.
  package var isRedacting = true
  package var secrets = HashedSecrets()
  /// What is new of the vault, and its number, which grows; a session is told each once, at a Stop.
  package var news: News?

  package struct News: Sendable, Equatable {
    package var number: Int
    package var text: String

    package init(number: Int, text: String) {
      self.number = number
      self.text = text
    }
  }

  package init() {}

  private static let title = "memoryd front.state 1"
  /// Bytes; a longer one is none of the engine's.
  private static let limit = 64 << 10

  package static func path(home: String) -> String { home + "/front.state" }

  /// - Returns: Nil where there is none that can be read, or none of this user's.
  package static func read(home: String) -> FrontState? {
    guard let bytes = SmallFile.read(path(home: home), limit: limit) else { return nil }
    return FrontState(text: String(decoding: bytes, as: UTF8.self))
  }

  /// Puts it in place whole. It is made anew from settings and store, so that it need not be durable.
  package func write(home: String) { SmallFile.write(Array(text.utf8), Self.path(home: home)) }

  package init?(text: String) {
    var lines = text.split(separator: "\n")[...]
    guard lines.popFirst() == Self.title[...] else { return nil }
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count > 1 else { continue }
      switch words[0] {
      case "redaction": isRedacting = words[1] != "off"
      case "salt": secrets.salt = UInt64(words[1], radix: 16) ?? 0
      case "secret":
        guard words.count > 2, let length = Int(words[1]), let hash = UInt64(words[2], radix: 16)
        else { continue }
        secrets.add(length: length, hash: hash)
      case "news":
        guard words.count > 2, let number = Int(words[1]) else { continue }
        news = News(number: number, text: String(words[2]))
      // Another version may say more.
      default: continue
      }
    }
  }

  /// One line for each thing.
  package var text: String {
    var text = Self.title + "\nredaction " + (isRedacting ? "on" : "off") + "\n"
    text += "salt " + String(secrets.salt, radix: 16) + "\n"
    for secret in secrets.known {
      text += "secret " + String(secret.length) + " " + String(secret.hash, radix: 16) + "\n"
    }
    if let news {
      let line = news.text.split { $0.isNewline }.joined(separator: " ")
      text += "news " + String(news.number) + " " + line + "\n"
    }
    return text
  }
}
