/// What the words of a key say about its value.
enum SecretKeyName {
  enum Role: Equatable {
    case secret(Noun)
    case other
  }

  /// The kind of secret a key names; passwords are chosen by people and look less random.
  enum Noun {
    case password
    case token
    /// A secret of several words.
    case phrase
    /// The `Authorization` header.
    case header
  }

  /// The part a word can play in a name.
  struct Part: OptionSet {
    let rawValue: UInt16
    static let password = Part(rawValue: 1 << 0)
    static let token = Part(rawValue: 1 << 1)
    static let phrase = Part(rawValue: 1 << 2)
    static let header = Part(rawValue: 1 << 3)
    /// A secret only after another word: `db_pass`.
    static let passwordAfterWord = Part(rawValue: 1 << 4)
    /// A secret only as the last word: `_auth`.
    static let tokenAtEnd = Part(rawValue: 1 << 5)
    static let key = Part(rawValue: 1 << 6)
    /// Before `key`: the key is a secret.
    static let keyQualifier = Part(rawValue: 1 << 7)
    /// Before `token`: a position in a list, or a way to call something off.
    static let positionQualifier = Part(rawValue: 1 << 11)
    /// As the last word: the key tells something about a secret, or is a number of tokens.
    static let about = Part(rawValue: 1 << 8)
    /// Anywhere: values are hashes or ids.
    static let hash = Part(rawValue: 1 << 9)
    /// As the last word: values are ids or places.
    static let idAtEnd = Part(rawValue: 1 << 10)
  }

  static func role(of words: [Part]) -> Role {
    guard let last = words.last, !last.contains(.about) else { return .other }
    var result = Role.other
    for (index, word) in words.enumerated() {
      if word.contains(.header) { return .secret(.header) }
      if word.contains(.phrase) { return .secret(.phrase) }
      if word.contains(.password) || word.contains(.passwordAfterWord) && index > 0 {
        result = .secret(.password)
      } else if result == .other {
        let isKey = word.contains(.key) && index > 0 && words[index - 1].contains(.keyQualifier)
        let isToken =
          word.contains(.token) || word.contains(.tokenAtEnd) && index == words.count - 1
        let isPosition = index > 0 && words[index - 1].contains(.positionQualifier)
        if isKey || isToken && !isPosition { result = .secret(.token) }
      }
    }
    return result
  }

  static func isExempt(_ words: [Part]) -> Bool {
    words.contains { $0.contains(.hash) } || words.last?.contains(.idAtEnd) == true
  }

  /// Whether letters suffice for a word that names a secret.
  ///
  /// - Parameter letters: Bit 1 is a, bit 26 is z.
  @inline(__always)
  static func mayBe(_ letters: UInt32) -> Bool {
    for needed in stems where letters & needed == needed { return true }
    return false
  }

  private static let stems: [UInt32] = [
    "token", "secret", "pas", "pw", "key", "cred", "auth", "jwt", "mneoic", "phrase", "bear",
    "sid", "kenwort", "senha",
    "wachtord", "psk",
  ].map { stem in stem.utf8.reduce(0) { $0 | 1 << UInt32($1 & 31) } }

  /// Parts by the hash of the word in lower case.
  static let parts: [UInt64: Part] = {
    var parts: [UInt64: Part] = [:]
    for (part, words) in vocabulary {
      for word in words.split(separator: " ") {
        parts[hash(word.utf8), default: []].insert(part)
      }
    }
    return parts
  }()

  private static let vocabulary: [(Part, String)] = [
    (
      .password,
      "password passwords passwd pwd passcode pswd passwort passworte kennwort requirepass "
        + "masterauth storepass keypass truststorepass keystorepass dbpass smtppass userpass "
        + "ftppass rootpass adminpass sshpass passe senha wachtwoord authtok"
    ),
    (.passwordAfterWord, "pass pw"),
    (.phrase, "passphrase mnemonic phrase"),
    (.header, "authorization"),
    (
      .token,
      "token secret secrets credential credentials creds apikey jwt bearer secretkey accesskey "
        + "privatekey authkey"
    ),
    (.tokenAtEnd, "auth authentication sid sessid phpsessid"),
    (.key, "key keys salt"),
    (
      .keyQualifier,
      "api access private secret signing sign encryption encrypt decryption master auth account "
        + "shared service ssh deploy admin root storage subscription consumer app application "
        + "functions webhook hmac aes rsa cipher crypto session jwt server write license client"
    ),
    (.positionQualifier, "page next continuation cancellation previous"),
    (
      .about,
      "count counts limit limits max min maximum minimum length len size sizes name names id ids "
        + "type types kind url uri urls endpoint path paths file files filename dir folder ttl age "
        + "expiry expires expiration expired at in usage used budget cost price total index idx "
        + "offset position pos env var variable field fields label title prompt policy rule rules "
        + "strength regex pattern format scheme header headers prefix suffix method mode status "
        + "state error errors hint help description placeholder required enabled disabled "
        + "provider source store storage manager version arn ref reference class model schema "
        + "input output reset generator parser validator helper util utils service factory "
        + "handler command stdin confirmation tokens per ratio rate window usages alias "
        + "algorithm alg vault backend options option config settings scope scopes role issuer "
        + "audience valid invalid missing present exists changed change updated created "
        + "rotation visible visibility length bits hash hashes encryption encoding hashing "
        + "callback callbacks color style"
    ),
    (
      .hash,
      "hash hashes sha sha1 sha224 sha256 sha384 sha512 md5 crc crc32 digest checksum checksums "
        + "integrity sum signature signatures sig etag fingerprint thumbprint commit revision rev "
        + "oid uuid guid ulid ulids h1 blurhash cid encrypted cursor slug nonce uuids guids public "
        + "pubkey publickey ray"
    ),
    (.idAtEnd, "id ids uid src href url uri path file cwd dir branch version"),
  ]

  /// FNV-1a.
  static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(into: hashSeed) { $0 = step($0, $1) }
  }

  static let hashSeed: UInt64 = 0xcbf2_9ce4_8422_2325

  static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x100_0000_01b3
  }
}
