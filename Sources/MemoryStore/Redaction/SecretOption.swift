/// An option of a program that takes a secret. What `-p` means is the program's affair: a
/// password, a port, parents, a prefix.
struct SecretOption {
  enum Form {
    /// `-p X` and `-pX`.
    case value
    /// `-pX` only; `-p X` asks for the password, and X is something else.
    case attached
    /// `-u user:X`, `-u user,X`, `-U user%X`.
    case afterColon
    case afterComma
    case afterPercent
    /// `-passin pass:X`; other sources are files and variables.
    case source
    /// `echo X | sudo -S`: the password comes by standard input.
    case piped
    /// `-b file user X`: the third word after it, or with an n among the letters the second.
    case positional
  }

  /// Behind the dash.
  let name: StaticString
  let form: Form
  /// The option means this only in the program's `login`.
  let needsLogin: Bool

  init(_ name: StaticString, _ form: Form = .value, needsLogin: Bool = false) {
    self.name = name
    self.form = form
    self.needsLogin = needsLogin
  }

  /// The options of a program; nil if it is not known, empty if it is known to take no secret.
  ///
  /// - Parameter name: Without folders.
  static func options(of name: UnsafeBufferPointer<UInt8>.SubSequence) -> [SecretOption]? {
    guard (1...32).contains(name.count) else { return nil }
    if let index = programs[SecretKeyName.hash(name.lazy.map { $0 | 0x20 })] {
      return table[index].options
    }
    // mysqldump, mongoexport, ldapsearch … all take their family's.
    let whole = UnsafeBufferPointer(rebasing: name)
    for (prefix, index) in families where whole.matches(prefix, at: 0, ignoringCase: true) {
      guard whole.allSatisfy({ !ByteClass.of($0).isDisjoint(with: .name) }) else { return nil }
      return table[index].options
    }
    return nil
  }

  private static let table: [(options: [SecretOption], programs: String)] = [
    // Of the programs that others run, those whose own short options are harmless.
    ([], "ssh scp sftp rsync mosh autossh ssh-copy-id mkdir cp mv nc ncat install ps grep"),
    ([SecretOption("p", .attached)], "mysql mysqldump mariadb 7z 7za 7zr 7zz"),
    ([SecretOption("p")], "mongo mongosh mongodump"),
    ([SecretOption("w")], "ldapsearch ldapmodify"),
    ([SecretOption("p", .attached), SecretOption("hp", .attached)], "rar unrar"),
    (
      [SecretOption("p")],
      "sshpass mycli mydumper myloader cqlsh cypher-shell couchbase-cli cbq rabbitmqadmin "
        + "evil-winrm crackmapexec nxc netexec rdesktop psexec psexec64 twine yt-dlp youtube-dl "
        + "beeline sqlline isql-fb esxcli racadm hydra medusa jmxterm ncftp ncftpget ncftpput hammer"
    ),
    (
      [SecretOption("p", needsLogin: true)],
      "docker podman nerdctl buildah skopeo oras regctl crane helm az oc cf ibmcloud bx"
    ),
    ([SecretOption("a")], "redis-cli valkey-cli keydb-cli redis-benchmark"),
    (
      [
        SecretOption("passin", .source), SecretOption("passout", .source),
        SecretOption("password", .source), SecretOption("pass", .source),
        SecretOption("k"), SecretOption("K"), SecretOption("hmac"),
      ], "openssl libressl"
    ),
    (
      [SecretOption("P")],
      "sqlcmd bcp osql tsql fisql mosquitto_pub mosquitto_sub mosquitto_rr mqttx ipmitool unzip "
        + "zip"
    ),
    ([SecretOption("P"), SecretOption("N")], "ssh-keygen"),
    ([SecretOption("u", .afterColon), SecretOption("U", .afterColon)], "curl"),
    ([SecretOption("a", .afterColon)], "http https xh xhs"),
    ([SecretOption("A", .afterColon), SecretOption("P", .afterColon)], "ab"),
    ([SecretOption("u", .afterColon)], "ctr"),
    ([SecretOption("u", .afterComma)], "lftp"),
    (
      [SecretOption("U", .afterPercent)],
      "smbclient rpcclient smbget smbtree smbcacls nmblookup winexe wmic net samba-tool"
    ),
    ([SecretOption("b", .positional)], "htpasswd"),
    ([SecretOption("pw")], "plink pscp psftp kitty klink"),
    ([SecretOption("upw"), SecretOption("opw")], "pdftotext pdfinfo pdftoppm pdfimages"),
    (
      [
        SecretOption("storepass"), SecretOption("keypass"), SecretOption("srcstorepass"),
        SecretOption("deststorepass"), SecretOption("srckeypass"), SecretOption("destkeypass"),
        SecretOption("new"),
      ],
      "keytool jarsigner"
    ),
    (
      [SecretOption("A"), SecretOption("X"), SecretOption("c")],
      "snmpwalk snmpget snmpset snmpbulkwalk snmptrap snmpgetnext snmpbulkget"
    ),
    ([SecretOption("t")], "doctl flyctl"),
    ([SecretOption("S", .piped)], "sudo"),
    ([SecretOption("t"), SecretOption("password")], "influx"),
    ([SecretOption("ap")], "swaks"),
    ([SecretOption("xp")], "sendemail"),
    ([SecretOption("passwd")], "x11vnc tightvncserver"),
    ([SecretOption("pas"), SecretOption("password")], "gbak gfix gsec isql"),
  ]

  private static let families: [(StaticString, Int)] = [
    ("mysql", 1), ("mariadb", 1), ("mongo", 2), ("ldap", 3),
  ]

  private static let programs: [UInt64: Int] = {
    var programs: [UInt64: Int] = [:]
    for (index, row) in table.enumerated() {
      for name in row.programs.split(separator: " ") {
        programs[SecretKeyName.hash(name.utf8.lazy.map { $0 | 0x20 })] = index
      }
    }
    return programs
  }()
}
