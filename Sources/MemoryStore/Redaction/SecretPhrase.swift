/// Words of a command or of a settings file that a secret follows without any sign between: `vault
/// login X`, `setx API_KEY X`, `requirepass X`.
///
/// Prose has such words too, so what follows must also look like a secret.
struct SecretPhrase {
  enum Form {
    /// The secret is the word behind the given number of words.
    case after(Int)
    /// The same, but no options may stand between.
    case next(Int)
    /// As `after`, but what follows is no prose: a word with a digit or a sign is enough.
    case given(Int)
    /// As `given`, if the text before asks for a password.
    case asked
    /// The secret among the values of `VALUES (…)`, by the names of the columns before.
    case column
    /// The lines below hold secrets, each under its name.
    case block
    /// The next word is a name; if it names a secret, the word behind it is the secret.
    case named
    /// `user/secret@place`.
    case afterSlash
    /// A secret in a sentence.
    case said
    /// The next word, if it looks random.
    case random
    /// `echo X | passwd`, `echo X > password.txt`.
    case echoed
    /// The lines of a key, as many as the number says.
    case keyLines
    /// The text in quotes that stands before.
    case before
  }

  let prefix: StaticString
  let form: Form
  /// The offset in the prefix, from 1, of the byte at which the scanner stops to compare: behind
  /// the pair of bytes that ordinary text has least.
  let anchor: Int

  init(_ prefix: StaticString, _ form: Form) {
    self.prefix = prefix
    self.form = form
    let text = prefix.utf8Start
    var anchor = 1
    for index in 1..<prefix.utf8CodeUnitCount
    where Self.commonness(text[index - 1], text[index])
      < Self.commonness(text[anchor - 1], text[anchor])
    {
      anchor = index
    }
    self.anchor = anchor
  }

  private static func commonness(_ first: UInt8, _ second: UInt8) -> Int {
    commonPairs.rank(of: SecretCatalog.pair(first, second))
  }

  /// Pairs of bytes that code and prose have often, the most frequent ones first.
  private static let commonPairs: PairRanks = {
    let text: StaticString = """
      e inre tonseerth: s t esatte iorhest sleen adetin etntcoisanaleld it= roaredtr =ng ori cnd\
      taecr f asneil ptoctceli dpeurnaeaex ensfiamy ra w loupallnohautssomprcaacungencveifmalola\
      adpticchottso e.diulryrtueefpovaocckg mpbel usrropkeaiow()pl--hiimolapcrhot(iroseplt.cwiie\
      tyh idxtblooe:sc Sabclnis:lu - uquspaufalde_t_ypStbuigobmipitppum shrgubivgisaviRerdddd(rc\
      eq_shtrmcinuayev AcuServgups /> mmxpuieyok 1iawohr.pd_wrConfogn._pk d:n:p mbnnsknv ktcw ys\
      egakavizze F.twn_et-ki Pgrccdrnlnphur:r_gotlbiphy:lpoaPrmue-b.Fi Ea_PaINnyi_pytfsl_hLix Va\
      ugs-h.y( L-cDaSEAPsw-sn-PIbsA y_ArT r-dbcs-p_v-eoeESnmEnENClChI -opmS MAALeSd-p-HapdToUTsn\
      ORtEKe-ac._uETD oxh_He-ttTl-rpSSN P R -ibcEAsm15i ASTHwdo:my KtAPRsqdpLOv a-LAPAqlVARA/ro-\
      PLtHdf-gi:a:NVc:AG:ptxePAUd=OrxyGI
      """
    var pairs = PairRanks()
    let count = text.utf8CodeUnitCount
    for index in stride(from: 0, to: count - 1, by: 2) {
      let pair = SecretCatalog.pair(text.utf8Start[index], text.utf8Start[index + 1])
      pairs.set(count - index, for: pair)
    }
    return pairs
  }()

  /// A number for some pairs of bytes; 0 for others. A dictionary would have each short process look its
  /// type up first.
  private struct PairRanks {
    private var pairs = [UInt16](repeating: 0, count: 1024)
    private var ranks = [UInt16](repeating: 0, count: 1024)

    /// Where a pair is, or could be put: there are far more places than pairs.
    private func place(of pair: Int) -> Int {
      var place = ((pair &* 0x9E37) &>> 4) & 1023
      while pairs[place] != 0, pairs[place] != UInt16(pair) { place = (place + 1) & 1023 }
      return place
    }

    func rank(of pair: Int) -> Int {
      let place = place(of: pair)
      return pairs[place] == 0 ? 0 : Int(ranks[place])
    }

    mutating func set(_ rank: Int, for pair: Int) {
      let place = place(of: pair)
      pairs[place] = UInt16(pair)
      ranks[place] = UInt16(rank)
    }
  }

  static let all: [SecretPhrase] = [
    SecretPhrase("vault login ", .given(0)), SecretPhrase("operator unseal ", .given(0)),
    SecretPhrase("vault unwrap ", .given(0)), SecretPhrase("ngrok authtoken ", .given(0)),
    SecretPhrase("add-authtoken ", .given(0)), SecretPhrase("nuget setApiKey ", .given(0)),
    SecretPhrase("set-initial-password ", .given(0)),
    SecretPhrase("reset-admin-password ", .given(0)), SecretPhrase("user:password ", .given(1)),
    SecretPhrase("host add ", .given(3)), SecretPhrase("iwconfig ", .given(2)),
    SecretPhrase("gitlab-token.", .given(1)), SecretPhrase("user_pw ", .given(0)),
    SecretPhrase("owner_pw ", .given(0)), SecretPhrase("input_pw ", .given(0)),
    SecretPhrase("qpdf --encrypt ", .given(0)), SecretPhrase(" /rp ", .given(0)),
    SecretPhrase("net user ", .given(1)), SecretPhrase("net use ", .given(2)),
    SecretPhrase("net use ", .given(1)),
    SecretPhrase("smbclient ", .next(1)), SecretPhrase("poetry config ", .given(2)),
    SecretPhrase("poetry config pypi-token", .after(1)),
    SecretPhrase("composer config ", .given(2)), SecretPhrase("github-oauth.", .given(1)),
    SecretPhrase("rclone obscure ", .given(0)), SecretPhrase("snyk auth ", .given(0)),
    SecretPhrase("cargo login ", .given(0)), SecretPhrase("bw unlock ", .given(0)),
    SecretPhrase("bw login ", .given(1)), SecretPhrase("service install ", .random),
    SecretPhrase("wpa_passphrase ", .given(1)), SecretPhrase("add_user ", .given(1)),
    SecretPhrase("change_password ", .given(1)), SecretPhrase("authenticate_user ", .after(1)),
    SecretPhrase("openssl passwd ", .given(0)), SecretPhrase("mysqladmin password ", .given(0)),
    SecretPhrase("authorize-account ", .given(1)), SecretPhrase("alias set ", .given(3)),
    SecretPhrase("encrypt_string ", .given(0)), SecretPhrase("--password-command ", .after(1)),
    SecretPhrase("dev wifi connect ", .given(2)), SecretPhrase("wifi-sec.psk ", .given(0)),
    SecretPhrase(" -psk ", .given(0)),
    // Settings files with blanks between name and value.
    SecretPhrase("requirepass ", .given(0)), SecretPhrase("masterauth ", .given(0)),
    SecretPhrase("redis> AUTH ", .given(0)), SecretPhrase("AUTH default ", .given(0)),
    SecretPhrase("bindpw ", .given(0)), SecretPhrase("rootpw ", .given(0)),
    SecretPhrase("auth_pass ", .given(0)), SecretPhrase("storePassword ", .given(0)),
    SecretPhrase("keyPassword ", .given(0)), SecretPhrase("snmp-server community ", .after(0)),
    SecretPhrase("isakmp key ", .given(0)), SecretPhrase("pre-shared-key ", .given(0)),
    SecretPhrase("tacacs-server key ", .given(0)), SecretPhrase("radius-server key ", .given(0)),
    SecretPhrase("ConvertTo-SecureString ", .given(0)), SecretPhrase("redis-cli AUTH ", .given(0)),
    SecretPhrase("AUTH ", .given(0)), SecretPhrase(" LOGIN ", .given(1)),
    SecretPhrase("enable secret ", .given(0)),
    SecretPhrase("enable password ", .given(0)), SecretPhrase("password encrypted ", .given(0)),
    SecretPhrase(" privilege 15 secret ", .given(0)), SecretPhrase("wpa-psk ", .given(0)),
    SecretPhrase(": PSK ", .given(0)), SecretPhrase(" EAP ", .given(0)),
    SecretPhrase("plain-text-password-value ", .given(0)), SecretPhrase("AUTH PLAIN ", .random),
    SecretPhrase("PRAGMA key = ", .given(0)), SecretPhrase("SET PASSWORD FOR ", .given(2)),
    SecretPhrase("VALUES ", .column), SecretPhrase("values ", .column),
    SecretPhrase("send ", .asked), SecretPhrase("stringData:", .block),
    SecretPhrase("stringData\"", .block), SecretPhrase("kind: Secret", .block),
    // Names in other languages.
    SecretPhrase("contraseña: ", .given(0)), SecretPhrase("Contraseña: ", .given(0)),
    SecretPhrase("clave: ", .said), SecretPhrase("Clave: ", .said),
    SecretPhrase("hasło: ", .given(0)), SecretPhrase("Hasło: ", .given(0)),
    SecretPhrase("пароль: ", .given(0)), SecretPhrase("Пароль: ", .given(0)),
    SecretPhrase("密码: ", .given(0)), SecretPhrase("密码：", .given(0)),
    SecretPhrase("パスワード: ", .given(0)), SecretPhrase("パスワード：", .given(0)),
    SecretPhrase("비밀번호: ", .given(0)), SecretPhrase("heslo: ", .given(0)),
    SecretPhrase("lösenord: ", .given(0)), SecretPhrase("parola: ", .given(0)),
    // A name and its value.
    SecretPhrase("#define ", .named), SecretPhrase("setenv ", .named),
    SecretPhrase("SetEnv ", .named), SecretPhrase("ENV ", .named), SecretPhrase("setx ", .named),
    SecretPhrase("set -x ", .named), SecretPhrase("set -gx ", .named),
    SecretPhrase("set -Ux ", .named), SecretPhrase("config set ", .named),
    SecretPhrase("git config ", .named),
    SecretPhrase("configure set ", .named), SecretPhrase("npm set ", .named),
    SecretPhrase("secrets set ", .named), SecretPhrase("chamber write ", .named),
    SecretPhrase("user-secrets set ", .named), SecretPhrase("fastcgi_param ", .named),
    SecretPhrase("proxy_set_header ", .named), SecretPhrase("buildConfigField ", .named),
    SecretPhrase("buildConfigField(", .named), SecretPhrase("resValue ", .named),
    SecretPhrase("passenger_env_var ", .named), SecretPhrase("RequestHeader set ", .named),
    SecretPhrase("-Path Env:", .named),
    // Oracle's programs take user and password as one word.
    SecretPhrase("sqlplus ", .afterSlash), SecretPhrase("expdp ", .afterSlash),
    SecretPhrase("impdp ", .afterSlash), SecretPhrase("rman target ", .afterSlash),
    SecretPhrase("sqlldr ", .afterSlash), SecretPhrase("userid=", .afterSlash),
    SecretPhrase("jdbc:oracle:thin:", .afterSlash), SecretPhrase("jdbc:oracle:oci:", .afterSlash),
    SecretPhrase("Oracle.connect(", .afterSlash), SecretPhrase("oracledb.connect(", .afterSlash),
    // Prose.
    SecretPhrase("key is ", .said), SecretPhrase("token is ", .said),
    SecretPhrase("secret is ", .said), SecretPhrase("secret is: ", .said),
    SecretPhrase("passphrase is ", .said), SecretPhrase("API key ", .said),
    SecretPhrase("api key ", .said), SecretPhrase("API key: ", .said),
    SecretPhrase("API Key: ", .said),
    // Senders.
    SecretPhrase("echo ", .echoed), SecretPhrase("printf ", .echoed),
    SecretPhrase("Private-Lines: ", .keyLines),
    SecretPhrase(".toCharArray()", .before),
  ]
}
