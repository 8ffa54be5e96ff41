/// An option of a program that takes a secret. What `-p` means is the program's affair: a
/// password, a port, parents, a prefix.
struct SecretOption {
  enum Form {
    /// `-p X` and `-pX`.
    case value
    /// `-k X` only; `-keyout` is another option.
    case separate
    /// `-rP X`: other letters may stand before this one.
    case bundled
    /// `/p:X`.
    case slashed
    /// `-pX` only; `-p X` asks for the password, and X is something else.
    case attached
    /// `-u user:X`, `-u user,X`, `-U user%X`.
    case afterColon
    case afterComma
    case afterPercent
    /// `-passin pass:X`, `-macopt key:X`; other sources are files and variables.
    case source
    /// `echo X | sudo -S`: the password comes by standard input.
    case piped
    /// `-b file user X`: the third word after it, or with an n among the letters the second.
    case positional
  }

  /// Behind the dash.
  let name: StaticString
  let form: Form
  /// The option means this only behind that word: `docker login -p`.
  let verb: StaticString?

  init(_ name: StaticString, _ form: Form = .value, verb: StaticString? = nil) {
    self.name = name
    self.form = form
    self.verb = verb
  }

  /// The row of a program in the table; nil if it is not known. A row without options is of programs
  /// that take no secret.
  ///
  /// - Parameter name: Without folders.
  static func row(of name: UnsafeBufferPointer<UInt8>.SubSequence) -> Int? {
    guard (1...32).contains(name.count) else { return nil }
    if let index = programs[SecretKeyName.hash(name.lazy.map { $0 | 0x20 })] {
      return index
    }
    // mysqldump, mongoexport, ldapsearch … all take their family's.
    let whole = UnsafeBufferPointer(rebasing: name)
    for (prefix, index) in families where whole.matches(prefix, at: 0, ignoringCase: true) {
      guard whole.allSatisfy({ !ByteClass.of($0).isDisjoint(with: .name) }) else { return nil }
      return index
    }
    return nil
  }

  static let table: [(options: [SecretOption], programs: String)] = [
    // Of the programs that others run, those whose own short options are harmless.
    ([], "ssh scp sftp rsync mosh autossh ssh-copy-id mkdir cp mv nc ncat install ps grep"),
    ([SecretOption("p", .attached)], "mysql mysqldump mariadb 7z 7za 7zr 7zz"),
    ([SecretOption("p")], "mongo mongosh mongodump"),
    ([SecretOption("w")], "ldapsearch ldapmodify"),
    ([SecretOption("p", .attached), SecretOption("hp", .attached)], "rar unrar"),
    (
      [SecretOption("p")],
      "sshpass mycli mydumper myloader cqlsh cypher-shell couchbase-cli cbq rabbitmqadmin "
        + "rdesktop psexec psexec64 twine yt-dlp youtube-dl useradd usermod certutil altool "
        + "beeline sqlline isql-fb esxcli racadm hydra medusa jmxterm ncftp ncftpget ncftpput hammer"
    ),
    (
      [SecretOption("p", verb: "login")],
      "docker podman nerdctl buildah skopeo oras regctl crane helm oc cf ibmcloud bx"
    ),
    ([SecretOption("p", verb: "login"), SecretOption("p", verb: "create")], "az"),
    ([SecretOption("p"), SecretOption("H")], "evil-winrm crackmapexec nxc netexec"),
    (
      [SecretOption("p", verb: "publish"), SecretOption("a", verb: "publish")],
      "poetry uv flit hatch"
    ),
    ([SecretOption("w")], "odoo odoo-bin"), ([SecretOption("T", .attached)], "zerotier-cli"),
    ([SecretOption("p", verb: "user"), SecretOption("p", verb: "login")], "conan"),
    ([SecretOption("p", verb: "source"), SecretOption("k", verb: "push")], "dotnet nuget"),
    ([SecretOption("b", verb: "secret"), SecretOption("b", verb: "secrets")], "gh glab"),
    (
      [
        SecretOption("p", verb: "unlock-keychain"), SecretOption("p", verb: "create-keychain"),
        SecretOption("P", verb: "import"), SecretOption("k", verb: "set-key-partition-list"),
        SecretOption("w", verb: "add-generic-password"),
        SecretOption("w", verb: "add-internet-password"),
        SecretOption("X", verb: "add-generic-password"),
      ], "security"
    ),
    ([SecretOption("w"), SecretOption("s"), SecretOption("a")], "ldappasswd"),
    ([SecretOption("k", verb: "config")], "ossutil"),
    ([SecretOption("hashes", .afterColon)], "secretsdump.py psexec.py wmiexec.py smbexec.py"),
    ([SecretOption("p", .slashed)], "xfreerdp xfreerdp3 wlfreerdp sdl-freerdp mstsc cmdkey"),
    ([SecretOption("a")], "redis-cli valkey-cli keydb-cli redis-benchmark"),
    (
      [
        SecretOption("passin", .source), SecretOption("passout", .source),
        SecretOption("password", .source), SecretOption("pass", .source),
        SecretOption("k", .separate), SecretOption("K", .separate), SecretOption("hmac"),
        SecretOption("psk"), SecretOption("macopt", .source),
      ], "openssl libressl"
    ),
    (
      [SecretOption("P")],
      "sqlcmd bcp osql tsql fisql mosquitto_pub mosquitto_sub mosquitto_rr mqttx ipmitool"
    ),
    ([SecretOption("P", .bundled)], "zip unzip"),
    ([SecretOption("P"), SecretOption("N")], "ssh-keygen"),
    (
      [
        SecretOption("u", .afterColon), SecretOption("U", .afterColon),
        SecretOption("E", .afterColon),
      ], "curl"
    ),
    ([SecretOption("a", verb: "bearer"), SecretOption("a", .afterColon)], "http https xh xhs"),
    ([SecretOption("A", .afterColon), SecretOption("P", .afterColon)], "ab"),
    ([SecretOption("u", .afterColon)], "ctr"),
    ([SecretOption("u", .afterComma)], "lftp"),
    (
      [SecretOption("U", .afterPercent)],
      "smbclient rpcclient smbget smbtree smbcacls nmblookup winexe wmic net samba-tool"
    ),
    ([SecretOption("b", .positional)], "htpasswd mosquitto_passwd"),
    ([SecretOption("pw")], "plink pscp psftp kitty klink nodetool"),
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
    ([SecretOption("t")], "doctl flyctl vercel codecov"),
    ([SecretOption("S", .piped)], "sudo"),
    ([SecretOption("t"), SecretOption("password"), SecretOption("p", verb: "setup")], "influx"),
    ([SecretOption("ap")], "swaks"),
    ([SecretOption("xp")], "sendemail"),
    ([SecretOption("passwd")], "x11vnc tightvncserver"),
    ([SecretOption("pas"), SecretOption("password")], "gbak gfix gsec"),
    ([SecretOption("pas"), SecretOption("password"), SecretOption("P")], "isql"),
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
