import Core
import Foundation
import MemoryStore
import Redaction
import TestSupport
import Testing

// No secret-shaped literal stands in this file: the fakes are put together when a test runs.

/// Random characters, the same ones in each run.
struct Fake {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func string(_ count: Int, of alphabet: String) -> String {
    let characters = Array(alphabet)
    return String((0..<count).map { _ in characters[Int(next() >> 33) % characters.count] })
  }

  static let digits = "0123456789"
  static let hex = digits + "abcdef"
  static let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  static let letters = upper + upper.lowercased()
  static let word = letters + digits

  /// A body with at least two digits, whatever the dice say.
  static func body(_ count: Int, of alphabet: String = word, seed: Int = 7) -> String {
    var fake = Fake(UInt64(seed + count))
    let body = fake.string(count - 2, of: alphabet)
    return String(body.prefix(count / 2)) + "4" + String(body.dropFirst(count / 2)) + "2"
  }
}

func redacted(_ kind: String) -> String { "[redacted:\(kind)]" }

private let redactor = Redactor()

/// Also checks what holds for every text: redacting twice changes nothing more.
func redact(_ text: String, _ location: SourceLocation = #_sourceLocation) -> String {
  let once = redactor.redact(text)
  #expect(redactor.redact(once) == once, "not idempotent", sourceLocation: location)
  return once
}

@Suite(.blocking) struct RedactorTests {
  // MARK: - Known shapes

  /// Prefix, body and kind; the whole is replaced.
  static let shapes: [(String, String)] = {
    let word = { (count: Int) in Fake.body(count) }
    let hex = { (count: Int) in Fake.body(count, of: Fake.hex) }
    let caps = { (count: Int) in Fake.body(count, of: Fake.upper + Fake.digits) }
    return [
      ("gh" + "p_" + word(36), "github-token"),
      ("gh" + "o_" + word(36), "github-token"),
      ("gh" + "s_" + word(36), "github-token"),
      ("github" + "_pat_" + word(22) + "_" + word(59), "github-token"),
      ("AK" + "IA" + caps(16), "aws-access-key"),
      ("AS" + "IA" + caps(16), "aws-access-key"),
      ("sk-" + "ant-api03-" + word(93) + "AA", "anthropic-key"),
      ("sk-" + "ant-oat01-" + word(60) + "-" + word(10), "anthropic-key"),
      ("sk-" + word(48), "openai-key"),
      ("sk-" + word(20), "openai-key"),
      ("sk-" + "proj-" + word(60) + "_" + word(60), "openai-key"),
      ("sk-" + "or-v1-" + hex(64), "openrouter-key"),
      ("ey" + "J" + word(33) + ".eyJ" + word(60) + "." + word(43), "jwt"),
      ("ey" + "J" + word(33) + ".eyJ" + word(60), "jwt"),
      ("ey" + "J" + word(50) + "." + word(60) + "." + word(16) + "." + word(40), "jwt"),
      ("xox" + "b-123456789012-1234567890123-" + word(24), "slack-token"),
      ("xox" + "p-1234567890-1234567890-1234567890-" + hex(32), "slack-token"),
      ("xap" + "p-1-A0" + caps(9) + "-1234567890-" + hex(64), "slack-token"),
      ("AI" + "za" + word(35), "google-api-key"),
      ("ya" + "29." + word(60), "google-oauth-token"),
      ("GOC" + "SPX-" + word(28), "google-client-secret"),
      ("sk" + "_live_" + word(24), "stripe-key"),
      ("rk" + "_test_" + word(24), "stripe-key"),
      ("wh" + "sec_" + word(32), "stripe-webhook-secret"),
      ("np" + "m_" + word(36), "npm-token"),
      ("py" + "pi-AgEIcHlwaS5vcmc" + word(80), "pypi-token"),
      ("gl" + "pat-" + word(20), "gitlab-token"),
      ("gl" + "pat-" + word(30) + ".01." + word(9), "gitlab-token"),
      ("h" + "f_" + word(34), "huggingface-token"),
      ("S" + "G." + word(22) + "." + word(43), "sendgrid-key"),
      ("S" + "K" + hex(32), "twilio-key"),
      ("do" + "p_v1_" + hex(64), "digitalocean-token"),
      ("123456789" + ":AA" + word(33), "telegram-token"),
      ("M" + word(23) + "." + word(6) + "." + word(27), "discord-token"),
      ("shp" + "at_" + hex(32), "shopify-token"),
      ("lin" + "_api_" + word(40), "linear-key"),
      ("da" + "pi" + hex(32), "databricks-token"),
      ("hv" + "s." + word(90), "vault-token"),
      ("AGE-SECRET" + "-KEY-1" + caps(58), "age-key"),
      ("PM" + "AK-" + hex(24) + "-" + hex(34), "postman-key"),
      ("sntr" + "yu_" + hex(64), "sentry-token"),
      ("nt" + "n_" + Fake.body(11, of: Fake.digits) + word(35), "notion-token"),
      ("secr" + "et_" + word(43), "notion-token"),
      ("fi" + "gd_" + word(40), "figma-token"),
      ("ATA" + "TT3" + word(180) + "=" + caps(8), "atlassian-token"),
      ("dckr" + "_pat_" + word(27), "docker-token"),
      ("sb" + "p_" + hex(40), "supabase-key"),
      ("gs" + "k_" + word(52), "groq-key"),
      ("xa" + "i-" + word(80), "xai-key"),
      ("r" + "8_" + word(37), "replicate-token"),
      ("pp" + "lx-" + word(48), "perplexity-key"),
      ("ts" + "key-auth-" + word(16) + "-" + word(32), "tailscale-key"),
      ("pscale" + "_tkn_" + word(43), "planetscale-token"),
      (word(14) + ".atlas" + "v1." + word(67), "terraform-token"),
      ("NR" + "AK-" + caps(27), "newrelic-key"),
      ("gl" + "sa_" + word(32) + "_" + hex(8), "grafana-token"),
      ("gl" + "c_" + word(60) + "==", "grafana-token"),
      ("op" + "s_eyJ" + word(250), "1password-token"),
      (
        "A3-" + caps(6) + "-" + caps(6) + "-ABCDE-" + caps(5) + "-FGHIJ-" + caps(5),
        "1password-secret-key"
      ),
      ("ab1" + "8Q~" + word(34), "azure-client-secret"),
      ("pat" + word(14) + "." + hex(64), "airtable-token"),
      ("ruby" + "gems_" + hex(48), "rubygems-key"),
      ("LS0tLS1CRUdJTi" + "BQUklWQVRF" + word(200), "private-key"),
    ]
  }()

  @Test(arguments: shapes)
  func redact_whenTextHoldsAKnownShape_leavesItsKind(secret: String, kind: String) {
    let marker = redacted(kind)
    let places = [
      "", " ", "\"", "'", "`", "(", "use ", "x\n", "\t", "é", "a\\n", "%3D", "/", ",", "MY_KEY=",
      "export TOKEN=", "token: ", "\"apiKey\": \"", "{\\\"secret\\\":\\\"", "password = '",
      "?key=", "\u{1B}[32m", "const token: string = \"", "--token ", "key := `",
    ]
    var wrong: [String] = []
    for before in places {
      for after in ["", "\n", " and", "\"", "\\n", ")", "\\\"", ",", ";", "`", "…"] {
        let clean = redact(before + secret + after)
        if clean != before + marker + after { wrong.append(clean) }
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: shapes.filter { !["discord-token", "telegram-token"].contains($0.1) })
  func redact_whenAShapeIsInsideAWord_doesNotTakeItForACredential(
    secret: String, kind: String
  ) {
    #expect(redactor.redact("abc" + secret) == "abc" + secret)
  }

  @Test func redact_whenAPrefixHasNoBody_leavesTheText() {
    let texts = [
      "task-management-and-something-else", "sk-learn", "sk-toggleable__content-long-class-name",
      "sk-estimator-doc-link fitted", "risk-assessment-for-the-year-2024-of-the-bank",
      "npm_config_registry_for_this_project_here", "hf_hub_download", "gsk_", "ghp_short",
      "glpat-", "AKIA", "AKIAB", "AIza", "eyJ", "eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.eyJ", "xoxb-",
      "xapp-name", "adapting", "dapi", "SKU", "SG.", "a.b.c", "github_pat_",
      "pattern.matching", "hvs.example.com", "sha256:", "secret_name_of_the_thing_in_the_store",
      "sk_test_", "key-value", "dp.pt.", "figd_", "whsec_", "A3-B4", "mfa.enabled",
      "hooks.slack.com/services/", "https://discord.com/api/webhooks/", "AccountKey=",
    ]
    for text in texts { #expect(redact(text) == text) }
  }

  @Test func redact_whenThePrefixSaysWhatTheValueIs_keepsThePrefix() {
    let word = Fake.body(60)
    let cases: [(String, String, String, String)] = [
      (
        "https://hooks.slack.com/" + "services/", "T0" + word.prefix(8) + "/B0/" + word.prefix(24),
        "", "slack-webhook"
      ),
      (
        "https://discord.com/" + "api/webhooks/", "123456789012345678/" + word, "",
        "discord-webhook"
      ),
      ("EndpointSuffix=x;Account" + "Key=", word + word.prefix(26) + "==", ";x=y", "azure-key"),
      (";SharedAccess" + "Key=", word.prefix(43) + "=", "", "azure-key"),
      (
        "https://a.blob.core.windows.net/c?sv=1&" + "sig=", word.prefix(42) + "%3D", "&se=2",
        "azure-signature"
      ),
    ]
    for (prefix, secret, suffix, kind) in cases {
      #expect(redact(prefix + secret + suffix) == prefix + redacted(kind) + suffix)
    }
  }

  // MARK: - Private keys

  static let labels = ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "]

  private static func pem(_ label: String, lines: Int = 12, newline: String = "\n") -> String {
    let begin = "-----BE" + "GIN \(label)PRIVATE KEY-----"
    let end = "-----E" + "ND \(label)PRIVATE KEY-----"
    let body = (0..<lines).map { Fake.body(64, seed: $0) } + [Fake.body(9) + "="]
    return ([begin] + body + [end]).joined(separator: newline)
  }

  @Test(arguments: labels, ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n", " ", "\n    ", "\n> ", "\n+"])
  func redact_whenAPrivateKeyIsWhole_takesItWithItsFooter(label: String, newline: String) {
    let key = Self.pem(label, newline: newline)
    for (before, after) in [
      ("", ""), ("before\n", "\nafter"), ("\"", "\"}"), ("KEY=\"", "\\n\""),
      ("{\"private_key\": \"", "\\n\", \"id\": 1}"), ("{\\\"key\\\": \\\"", "\\\"}"),
    ] {
      #expect(redact(before + key + after) == before + redacted("private-key") + after)
    }
  }

  @Test func redact_whenAPrivateKeyHasNoFooter_takesItsBody() {
    let marker = redacted("private-key")
    for newline in ["\n", "\\n"] {
      let whole = Self.pem("", newline: newline)
      let footer = whole.range(ofLast: newline)
      let open = String(whole[..<footer])
      #expect(redact(open) == marker)
      #expect(redact(open + "\n\nSome prose.") == marker + "\n\nSome prose.")
      #expect(redact(open + "\"}") == marker + "\"}")
      #expect(redact(String(open.dropLast(40))) == marker)
      #expect(redact(String(open.dropLast(40)) + "…") == marker + "…")
    }
  }

  @Test func redact_whenAPrivateKeyIsSpreadOverCode_takesAllOfIt() {
    let lines = Self.pem("RSA ").split(separator: "\n")
    let marker = redacted("private-key")
    let concatenated = lines.joined(separator: "\\n\" +\n    \"")
    #expect(redact("let key = \"\(concatenated)\"\nfoo()") == "let key = \"\(marker)\"\nfoo()")
    let list = lines.joined(separator: "\",\n  \"")
    #expect(redact("[\"\(list)\"]") == "[\"\(marker)\"]")
    let numbered = lines.enumerated().map { "  \($0 + 1)→\($1)" }.joined(separator: "\n")
    #expect(redact(numbered) == "  1→" + marker)
    let armoured = lines.map(String.init)
    let headers = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF", ""]
    let encrypted = ([armoured[0]] + headers + armoured.dropFirst()).joined(separator: "\n")
    #expect(redact(encrypted) == marker)
    let pgp =
      ["-----BE" + "GIN PGP PRIVATE KEY BLOCK-----", "Version: GnuPG v1.4.11 (GNU/Linux)", ""]
      + armoured.dropFirst().dropLast()
      + ["=aBc4", "-----E" + "ND PGP PRIVATE KEY BLOCK-----"]
    #expect(redact(pgp.joined(separator: "\n") + "\nend") == marker + "\nend")
  }

  @Test func redact_whenAKeyIsPublicOrOnlyMentioned_leavesTheText() {
    let begin = "-----BE" + "GIN "
    let texts = [
      Self.pem("").replacing("PRIVATE", with: "PUBLIC"),
      "if text.contains(\"\(begin)PRIVATE KEY-----\") && text.hasSuffix(\"x\") { found = 1 }",
      "look for `\(begin)RSA PRIVATE KEY-----` in the file and tell me",
      "\(begin)CERTIFICATE-----\n\(Fake.body(64))\n-----E" + "ND CERTIFICATE-----",
    ]
    for text in texts { #expect(redact(text) == text) }
  }
}

extension String {
  /// Where the last occurrence of a text begins.
  fileprivate func range(ofLast text: String) -> String.Index {
    ranges(of: text).last?.lowerBound ?? endIndex
  }
}

// MARK: - Headers and URLs

@Suite(.blocking) struct RedactorHeaderTests {
  private let opaque = Fake.body(24)

  @Test func redact_whenAHeaderHoldsACredential_keepsTheScheme() {
    let bearer = redacted("bearer-token")
    let basic = redacted("basic-auth")
    let base64 = "dXNlcjpodW50" + "ZXIyMg=="
    let cases = [
      ("Authorization: Bearer \(opaque)", "Authorization: Bearer \(bearer)"),
      ("authorization: bearer ab12cd34", "authorization: bearer \(bearer)"),
      ("Proxy-Authorization: Basic \(base64)\r\n", "Proxy-Authorization: Basic \(basic)\r\n"),
      (
        "curl -H \"Authorization: Bearer \(opaque)\" x",
        "curl -H \"Authorization: Bearer \(bearer)\" x"
      ),
      ("-H 'authorization: Basic \(base64)'", "-H 'authorization: Basic \(basic)'"),
      ("{\"Authorization\": \"Bearer \(opaque)\"}", "{\"Authorization\": \"Bearer \(bearer)\"}"),
      (
        "\\\"Authorization\\\":\\\"Bearer \(opaque)\\\"",
        "\\\"Authorization\\\":\\\"Bearer \(bearer)\\\""
      ),
      (
        "headers[\"Authorization\"] = \"Bearer \(opaque)\"",
        "headers[\"Authorization\"] = \"Bearer \(bearer)\""
      ),
      (
        "setHeader('Authorization', 'Bearer \(opaque)')",
        "setHeader('Authorization', 'Bearer \(bearer)')"
      ),
      ("sent Bearer \(opaque).", "sent Bearer \(bearer)."),
      (
        "Authorization: Token \(Fake.body(40, of: Fake.hex))",
        "Authorization: Token \(redacted("secret"))"
      ),
      (
        "\"Authorization\": \"ApiKey \(opaque)\"",
        "\"Authorization\": \"ApiKey \(redacted("secret"))\""
      ),
      ("Authorization: \(opaque)", "Authorization: \(redacted("secret"))"),
      ("X-Api-Key: \(opaque)", "X-Api-Key: \(redacted("secret"))"),
      ("x-auth-token:\(opaque)", "x-auth-token:\(redacted("secret"))"),
      ("curl -u admin:hunter2 https://h", "curl -u admin:\(basic) https://h"),
      ("curl -sS --user 'admin:s3cret!' h", "curl -sS --user 'admin:\(basic)' h"),
      ("curl \\\n  -u \"me:\(opaque)\"", "curl \\\n  -u \"me:\(basic)\""),
    ]
    for (text, expected) in cases { #expect(redact(text) == expected) }
  }

  @Test func redact_whenAHeaderHoldsNoCredential_leavesIt() {
    let texts = [
      "Authorization: Bearer $TOKEN", "Authorization: Bearer ${TOKEN}",
      "Authorization: Bearer <token>",
      "\"Authorization\": `Bearer ${token}`", "'Authorization': f'Bearer {token}'",
      "Authorization: Bearer YOUR_API_KEY", "Authorization: Bearer your-token-here",
      "\"Bearer \" + token", "Bearer authentication is required", "the bearer of this letter",
      "Bearer tokens expire after 3600 seconds", "Bearer %s", "Authorization: Bearer \\(token)",
      "Authorization header", "authorization: required", "Basic authentication", "Basic usage2",
      "docker run -u 1000:1000 alpine", "curl -u $USER:$PASS h", "curl -u \"${U}:${P}\" h",
      "sort -u a:b1", "WWW-Authenticate: Basic realm=\"x\"", "curl -u user: h",
      "req.headers.authorization = value", "if header.hasPrefix(\"Bearer \") {",
    ]
    for text in texts { #expect(redact(text) == text) }
  }

  @Test func redact_whenAURLHoldsAPassword_keepsUserAndHost() {
    let marker = redacted("url-password")
    for (user, password, host) in [
      ("user", "hunter2", "example.com/path"), ("", "s3cret", "redis:6379/0"),
      ("postgres", "postgres", "localhost:5432/db"), ("a%40b", "p%40ss", "h"),
      ("x-access-token", opaque, "github.com/a/b.git"), ("u", "p@ss", "host"),
      ("me", "a:b:c", "h1:27017,h2:27017/db"),
    ] {
      for scheme in ["https", "postgres", "mongodb+srv", "redis", "amqp"] {
        for (before, after) in [
          ("", ""), ("DATABASE_URL=", "\n"), ("url: \"", "\","), ("\\\"", "\\\""),
        ] {
          let text = "\(before)\(scheme)://\(user):\(password)@\(host)\(after)"
          #expect(redact(text) == "\(before)\(scheme)://\(user):\(marker)@\(host)\(after)")
        }
      }
    }
    let token = "gh" + "p_" + Fake.body(36)
    #expect(
      redact("https://oauth2:\(token)@github.com")
        == "https://oauth2:\(redacted("github-token"))@github.com")
  }

  @Test func redact_whenAURLHoldsNoPassword_leavesIt() {
    let texts = [
      "https://example.com:8080/a@b", "ssh://git@github.com:22/a", "git@github.com:a/b.git",
      "http://user@host", "https://host/path:with@sign", "https://user:$PASS@host",
      "https://user:${PASS}@host", "https://user:<password>@host", "https://user:***@host",
      "https://user:{password}@host", "docker://alpine:3.18@sha256:0123456789abcdef",
      "http://localhost:3000 me@x.org", "http://[::1]:80/@", "https://h?x=a:b@c", "://", "a://b:c",
    ]
    for text in texts { #expect(redact(text) == text) }
  }
}

// MARK: - Assignments

@Suite(.blocking) struct RedactorAssignmentTests {
  private static let secret = redacted("secret")

  /// A `#` stands for the value, which is replaced.
  private static func check(_ template: String, _ value: String, kind: String = "secret") {
    let text = template.replacing("#", with: value)
    #expect(redact(text) == template.replacing("#", with: redacted(kind)), "\(text)")
  }

  static let keys = [
    "password", "PASSWORD", "dbPassword", "DB_PASSWORD", "PGPASSWORD", "passwd", "MYSQL_PWD",
    "passphrase", "secret", "client_secret", "clientSecret", "SECRET_KEY_BASE", "token",
    "authToken", "GITHUB_TOKEN", "access_token", "_authToken", "api_key", "apiKey", "API-KEY",
    "apikey", "X-Api-Key", "aws_secret_access_key", "AWS_SESSION_TOKEN", "privateKey",
    "credential", "db_pass", "auth", "jwt", "spring.datasource.password", "token2", "mytoken",
    "webhook-secret", "ENCRYPTION_KEY", "account_key", "registry_auth",
  ]

  @Test(arguments: keys)
  func redact_whenTheKeyNamesASecret_takesTheLiteral(key: String) {
    for value in [Fake.body(16), Fake.body(40), Fake.body(32, of: Fake.hex), "Tr0ub4dor&3x"] {
      for template in [
        "\(key)=#", "export \(key)=#\n", "\(key): \"#\"", "\"\(key)\": \"#\",", "\(key) = '#'",
        "\(key) := \"#\"", "'\(key)' => '#'", "{\\\"\(key)\\\": \\\"#\\\"}", "a\\n\(key)=#\\nb",
        "{\\\\\\\"\(key)\\\\\\\":\\\\\\\"#\\\\\\\"}", "let \(key): String = \"#\"",
        "\(key) = `#`", "[\"\(key)\"] = \"#\"", "\(key) = b\"#\"", "**\(key):** `#`",
      ] {
        if value.contains("&"), !template.contains("#\""), !template.contains("#'") { continue }
        if value.contains("&"), template.contains("\\\"") { continue }
        Self.check(template, value)
      }
    }
  }

  @Test func redact_whenAPasswordIsChosenByAPerson_takesIt() {
    for template in [
      "password=#", "PASSWORD=# cmd", "password: \"#\"", "--password #", "--password=#",
      "[\"--password\", \"#\"]", "<password>#</password>", "?password=#&x=1", "password: #\n",
      "password = #\n", "PASSWORD '#'", "-e MYSQL_ROOT_PASSWORD=#", "var password string = \"#\"",
      "-d 'password=#'", "machine h login me password #",
      "CREATE USER a IDENTIFIED BY '#';", "alter user a with password '#';",
    ] {
      for value in ["hunter2", "Summer2024", "abc123"] { Self.check(template, value) }
    }
    for value in ["p@ssw0rd", "correct-horse-9", "123456", "!Qaz2wsx", "a\\\"b1cd"] {
      Self.check("\"password\": \"#\"", value)
    }
    Self.check("{\"password\": \"#", "hunter2")
    Self.check("passphrase: \"#\"", "correct horse battery staple")
    Self.check("\"mnemonic\":\"#\"", "abandon ability able about above absent absorb abstract")
    Self.check("JWT_SECRET=#\n", "my-super-secret-jwt-key-2024")
    Self.check("--api-key #", Fake.body(20))
    Self.check("tool --token=# --x", Fake.body(20))
  }

  @Test func redact_whenTheValueIsNoLiteral_leavesIt() {
    let values = [
      "$FOO", "${FOO}", "$(cat file)", "<token>", "process.env.TOKEN1", "os.environ[\"X1\"]",
      "os.getenv(\"X1\")", "null", "true", "None", "undefined", "String", "String?", "string",
      "string;", "UInt64", "[u8; 32]", "Option<String>", "xxxxxxxxxx", "********", "...",
      "your-token-here1", "example1", "config.token", "req.headers.authorization",
      "getToken2()", "getToken(1)", "self.token1", "tokens[0]", "\"\"", "\"string\"",
      "\"${TOKEN1}\"", "\"{{ secrets.TOKEN1 }}\"", "\"<your token 1>\"", "\"/etc/secret1/file\"",
      "\"./secret1\"", "\"https://example.org/1\"", "\"$TOKEN1\"", "\"%s1234\"", "1234",
      "\"must have 8 characters\"", "nil", "&token1", "*token1", "!Ref Secret1", "|", "required",
      "\"[hidden 1]\"", "\"env:TOKEN_1\"", "\"my-config-2\"", "\"refresh_token\"", "\"v1.2.3\"",
      "parser.next()", "await sign(user1)", "Token::new1()", "a ? b1 : c1", "\"\\(token1)\"",
      "token1", "String1", "@secret1", "vault.read(1)", "\"token1\"", "[redacted:secret]",
    ]
    for value in values {
      for template in [
        "token = \(value)", "\"token\": \(value)", "let apiKey: String = \(value)",
        "secret: \(value)",
        "client_secret := \(value)",
      ] {
        #expect(redact(template) == template)
      }
    }
  }

  @Test func redact_whenTheKeyOnlySpeaksOfSecrets_leavesTheValue() {
    let texts = [
      "max_tokens: 4096", "token_count=12345678", "tokens: 1234567", "\"input_tokens\":206677",
      "secretName: my-config-1", "secretKeyRef: app1-secrets", "tokenType=bearer1x",
      "password_min_length: 12345678", "tokenizer: gpt2-large", "keyboard: qwerty12",
      "public_key: abc12345", "primaryKey: user123", "cache_key = \"user-12345\"",
      "token_endpoint: oauth2v1", "--password-stdin abc123", "--token-file path123",
      "monkey: banana12", "author: bob12345", "compass: north123", "passed: 12345678",
      "PASS: TestFoo123", "bypass: abc123x", "secretary: alice12", "\"key\": \"abc12345\"",
      "nextPageToken: abc12345", "PWD=/home/u1/x", "OLDPWD=/tmp/a1b2c3",
    ]
    for text in texts { #expect(redact(text) == text) }
  }

  @Test func redact_whenAnyValueIsRandom_takesIt() {
    for template in [
      "data = \"#\"", "X=#\n", "\"k\": \"#\"", "x: #", "?q=#&r", "{\\\"k\\\":\\\"#\\\"}",
    ] {
      Self.check(template, Fake.body(40), kind: "high-entropy")
    }
    // A few random values read as words.
    let values = (1...400).map { Fake.body(40, seed: $0 * 1000) }
    let found = values.filter { redact("x = '\($0)'") == "x = '\(redacted("high-entropy"))'" }
    #expect(found.count > 390)
    Self.check("k = \"#\"", Fake.body(43, of: Fake.word + "-_") + "=", kind: "high-entropy")
    Self.check("k = \"#\"", Fake.body(43, of: Fake.word + "+/") + "=", kind: "high-entropy")
    Self.check(
      "k=#", Fake.body(40, of: Fake.digits + "abcdefghijklmnopqrstuvwxyz"), kind: "high-entropy")
  }

  @Test func redact_whenAValueIsNotRandom_leavesIt() {
    let hex = Fake.body(40, of: Fake.hex)
    let word = Fake.body(43)
    let texts = [
      "commit = \"\(hex)\"", "x = \"\(hex)\"", "x=\(hex.uppercased())", "sha256: \(hex)\(hex)",
      "x: \(Fake.body(64, of: Fake.hex))", "image: a@sha256:\(Fake.body(64, of: Fake.hex))",
      "id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "x = 01ARZ3NDEKTSV4RRFFQ69G5FAV",
      "x = \"task_01ARZ3NDEKTSV4RRFFQ69G5FAV\"", "x: 01arz3ndektsv4rrffq69g5fav",
      "\"integrity\": \"sha512-\(word)\(word)==\"", "x = \"sha256-\(word)=\"",
      "example.org/mod v1.2.3 h1:\(word)=", "\"checksum\": \"\(word)\"", "etag: \"\(word)\"",
      "\"tool_use_id\":\"toolu_\(Fake.body(24))\"", "x = \"msg_\(Fake.body(24))\"",
      "\"signature\":\"\(word)\(word)\"", "\"requestId\": \"\(word)\"",
      "src=\"data:image/png;base64,\(word)\(word)\"",
      "\"data\": \"\(String(repeating: word, count: 30))\"",
      "name = \"TheQuickBrownFoxJumpsOverTheLazyDog2\"", "x = \"getUserByIdAndRole2024\"",
      "path = Sources/MemoryStore/Redaction/Redactor2", "x: some-kebab-case-name-with-2-numbers",
      "x = some_snake_case_name_2_of_3", "model: claude-3-5-sonnet-20241022-v2",
      "date: 2026-02-12T14:11:57.624Z", "x=20260212141157624000123",
      "version: 1.2.3-beta.4+build.567",
      "pod = \"web-5f7d8c9b6d-x2x4z-a1b2c\"", "x = \"0xFEDC_BA98_7654_3210\"",
      "alphabet = \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\"",
      "x == \"\(word)\"", "x != \"\(word)\"", "std::\(word)", "// see \(word)", "f(\"\(word)\")",
      "x = X509_STORE_CTX_get1_chain", "url = https://example.org/\(word)",
    ]
    for text in texts { #expect(redact(text) == text) }
  }

  @Test func redact_whenTextIsCode_leavesIt() {
    let snippets = [
      """
      let token = parser.next()
      var password: String
      let maxTokens: Int = 4096
      guard let apiKey = ProcessInfo.processInfo.environment["API_KEY1"] else { return }
      func login(password: String, token: Token?) async throws -> Session {
        session.token = token ?? Token(value: password.sha256)
        request.setValue("Bearer \\(token)", forHTTPHeaderField: "Authorization")
      }
      """,
      """
      type Config struct {
        Password   string `json:"password,omitempty" yaml:"password1"`
        Token      *oauth2.Token
        SecretKey  []byte
      }
      cfg.Password = os.Getenv("DB_PASSWORD1")
      token, err := jwt.ParseWithClaims(raw, &Claims1{}, keyFunc)
      if password != expected1 { return ErrPassword1 }
      """,
      """
      interface Auth { token: string; password?: string; apiKey: string | null; secret: Uint8Array }
      const { token, password } = req.body;
      const client = new Client({ apiKey: process.env.API_KEY1, token: options.token1, secret });
      const password = await prompt({ type: 'password', message: 'Password 1?' });
      export const token = (state: State1) => state.auth.token1;
      <input type="password" name="password1" id="password2" />
      """,
      """
      password = os.environ["X1"]
      token: Optional[str] = None
      def connect(user, password=password1, token=self.token1): pass
      api_key = getpass.getpass("API key 1: ")
      secret = hashlib.sha256(b"x1").hexdigest()
      """,
      """
      env:
        GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN1 }}
        PASSWORD: !secret db_password1
      secretKeyRef:
        name: app-secret-1
        key: password1
      """,
    ]
    for snippet in snippets { #expect(redact(snippet) == snippet) }
  }
}

// MARK: - Private blocks, literals, bytes, time

@Suite(.blocking) struct RedactorTextTests {
  @Test func redact_whenTextIsPrivate_leavesOnlyAMark() {
    let cases = [
      ("a <private>b</private> c", "a [private] c"),
      ("<PRIVATE>b</Private>", "[private]"),
      ("<private>a<private>b</private>c</private>d", "[private]d"),
      ("a <private>b", "a [private]"),
      ("a <private>b <private>c</private> d", "a [private]"),
      ("a</private>b", "a</private>b"),
      ("<private></private><private >x</private >", "[private][private]"),
      ("x\\n<private>\\nb\\n</private>\\ny", "x\\n[private]\\ny"),
      ("\\u003cprivate\\u003eb\\u003c/private\\u003e", "[private]"),
      ("<private>b<\\/private>", "[private]"),
      ("password: \"ab1<private>c\" d</private>e", "password: \"ab1[private]e"),
      ("<private", "<private"), ("<privates>", "<privates>"), ("< private>", "< private>"),
      ("key=value<private>é…", "key=value<private>é…"),
      ("key: <private>é…", "key: [private]"),
      // A type parameter, and a tag that is only spoken of, are blocks only if closed.
      ("Local<Private> key = Local<Private>();", "Local<Private> key = Local<Private>();"),
      ("write `<private>` before it", "write `<private>` before it"),
      ("word<private>b</private>", "word[private]"),
      ("`<private>` and `</private>`", "`[private]`"),
      ("Local<Private> a <private>b", "Local<Private> a [private]"),
    ]
    for (text, expected) in cases { #expect(redact(text) == expected) }
  }

  @Test func redact_whenALiteralIsConfigured_takesItWherever() {
    let token = "vault" + "-token/with+\"odd\" signs"
    let redactor = Redactor(extraLiterals: [token, "abc", "", "configured-thing"])
    let marker = redacted("configured")
    let cases = [
      ("x\(token)y", "x\(marker)y"), ("Bearer \(token)", "Bearer \(marker)"),
      ("\"vault-token/with+\\\"odd\\\" signs\"", "\"\(marker)\""),
      ("?t=vault-token%2Fwith%2B%22odd%22%20signs&", "?t=\(marker)&"),
      ("abc \(token)\(token)", "abc \(marker)\(marker)"),
      (String(token.dropLast()), String(token.dropLast())),
      ("configured-thing", marker), ("ghp_ configured-thin", "ghp_ configured-thin"),
    ]
    for (text, expected) in cases {
      #expect(redactor.redact(text) == expected)
      #expect(redactor.redact(expected) == expected)
    }
    let markers = Redactor(extraLiterals: ["redacted", "secret", "private"])
    let text = "password=\(Fake.body(16)) secret"
    #expect(markers.redact(text) == "password=\(redacted("secret")) \(marker)")
    #expect(markers.redact(markers.redact(text)) == markers.redact(text))
    let shape = "gh" + "p_" + Fake.body(36)
    #expect(Redactor(extraLiterals: ["x-" + shape]).redact("x-" + shape) == marker)
  }

  @Test func redact_whenOff_changesNothing() {
    let text = "<private>a</private> password=\(Fake.body(16))"
    let off = Redactor(isEnabled: false, extraLiterals: ["private"])
    #expect(off.redact(text) == text)
    #expect(Array(text.utf8).withUnsafeBufferPointer { off.redact(utf8: $0) } == nil)
  }

  @Test func redact_whenNothingIsFound_returnsTheSameString() {
    let text = String(repeating: "Nothing to see, é…", count: 100)
    var original = text
    var clean = redactor.redact(text)
    let same = original.withUTF8 { a in clean.withUTF8 { b in a.baseAddress == b.baseAddress } }
    #expect(same)
    #expect(Array(text.utf8).withUnsafeBufferPointer { redactor.redact(utf8: $0) } == nil)
    #expect(UnsafeBufferPointer<UInt8>(start: nil, count: 0).isEmpty)
    #expect(redactor.redact(utf8: UnsafeBufferPointer<UInt8>(start: nil, count: 0)) == nil)
    #expect(redactor.redact("") == "")
  }

  @Test func redact_whenBytesAreNoUTF8_passesThemThrough() {
    var generator = Fake(3)
    let secret = Array(("token=" + Fake.body(20)).utf8)
    for _ in 0..<300 {
      let before = (0..<40).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 20) | 0x80 }
      let after = (0..<40).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 20) | 0xE0 }
      let bytes = before + [10] + secret + after
      let clean = bytes.withUnsafeBufferPointer { redactor.redact(utf8: $0) }
      #expect(clean == before + Array("\ntoken=\(redacted("secret"))".utf8) + after)
      #expect(before.withUnsafeBufferPointer { redactor.redact(utf8: $0) } == nil)
    }
  }

  @Test func redact_whenPiecesAreStrungTogether_isStableAndValid() {
    var generator = Fake(11)
    let pieces = [
      "token", "=", ":", " ", "\"", "\\\"", "'", "\n", "\\n", "-----BE" + "GIN PRIVATE KEY-----",
      "-----E" + "ND PRIVATE KEY-----", "<private>", "</private>", "Authorization", "Bearer ",
      "Basic ", "://", "user", "@", "curl -u ", "--password ", "é", "日本", "…",
      "[redacted:jwt]",
      "[private]", "[", "]", "\\", "/", ".", "-", "_", "{", "}", ",", "eyJ", "sk-", "gh" + "p_",
      "xox" + "b-", "AK" + "IA", "<password>", "</", "%3D", ".atlas" + "v1.", "Q~", ":AA",
      "login ",
      "machine ", "password ", "passphrase: \"", "0", "1a", "Zz9", Fake.body(20), Fake.body(40),
      Fake.body(16), Fake.body(64, of: Fake.hex), "api_key", "mnemonic", "; ", "&", "**",
    ]
    for _ in 0..<1000 {
      let count = Int(generator.next() >> 33) % 14 + 2
      let text = (0..<count).map { _ in pieces[Int(generator.next() >> 33) % pieces.count] }
        .joined()
      let once = redactor.redact(text)
      #expect(redactor.redact(once) == once, "\(text)")
      let bytes = Array(text.utf8).withUnsafeBufferPointer { redactor.redact(utf8: $0) }
      #expect((bytes ?? Array(text.utf8)) == Array(once.utf8))
    }
  }

  static let hostile: [String] =
    [
      "a", "=", ":", "\"", "\\", "-", "[", "<", " ", "\n", "<private>", "</private>",
      "<private>a</private>",
      "-----BEGIN ", "-----BE" + "GIN PRIVATE KEY-----", "-----BE" + "GIN PRIVATE KEY-----\nabcdef",
      "eyJ", "eyJ-", "eyJ.", "eyJaaaaaaaaaaaaaaaa.", "eyJaaaaaaaaaaaaaaaaaaaa-", "://", "://a",
      "://a:", "://a:b@",
      "\"key\": ", "\"key\": \"", "password=", "password=\"", "password='a\" ", "password: \\\"",
      "password=\\\\\\\"",
      "sk-", "sk-a", "gh" + "p_", "xox" + "b-", "bearer ", "Authorization: Bearer ", "--password ",
      "-u a:bcd ",
      "curl -u a:b1c ", "[redacted:", "[redacted:a]", "passphrase: \"a ", "login password ", "a.",
      "a.aaaaaa.",
      ".atlas" + "v1.", ":AA", "1:AA", "Q~", "1Q~", "x=a1B2c3D4e5F6g7H8i9J0 ", "token=token",
      "password=password:",
      "AK" + "IA", "dapi", "<password>", "<password>a</", "%3D", "\u{1B}[0;32m", "**",
      "password \"", "sig=", "A3-",
      "AccountKey=", "a=\"b\\", "é", "\u{0}", "n\\", "_", "key key key = ",
      "hooks.slack.com/services/", "1//0", "-p ", "mysql -p", "/p:", "kind: Secret\n", "<<< ",
      "stringData:\n", "(a,password) VALUES (", "| password | ", "password to ", "Signature=",
      "login(", "\"password\",", "-----BE" + "GIN OpenVPN Static key V1-----\n",
    ]

  /// Twice the text may take twice the time; a scan that begins again takes four times as much.
  @Test(arguments: hostile)
  func redact_whenTextIsHostile_takesTimeInProportion(piece: String) {
    let unit = String(repeating: piece, count: 5_000 / piece.utf8.count + 1)
    // Of this thread alone: how busy the machine is does not count.
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    func time(_ units: Int) -> Double {
      let text = String(repeating: unit, count: units)
      return (0..<3).map { _ in
        let start = now()
        _ = redactor.redact(text)
        return now() - start
      }.min()!
    }
    // The ratio of eightfold sizes is 8 if linear and 64 if quadratic.
    let ratio = time(8) / time(1)
    #expect(ratio < 28)
  }
}
