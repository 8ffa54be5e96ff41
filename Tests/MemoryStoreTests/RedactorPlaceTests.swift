import Core
import MemoryStore
import Redaction
import TestSupport
import Testing

// `§` stands for a password that a person chose, `¤` for a random token, `⏎` for a line end.

private let chosen = "Gr7ve" + "Ndl42"

private func text(_ template: String) -> String {
  template.replacing("⏎", with: "\n").replacing("§", with: chosen)
    .replacing("¤", with: Fake.body(26))
}

/// Nothing of a value is left, and what is around it is.
private func expectRedacted(_ template: String) {
  let clean = redact(text(template))
  for value in [chosen, Fake.body(26)] { #expect(!clean.contains(value), "\(clean)") }
  #expect(clean.contains("[redacted:"), "\(clean)")
  let first = template.prefix { !"§¤".contains($0) }.replacing("⏎", with: "\n")
  #expect(clean.hasPrefix(first), "\(clean)")
}

@Suite(.blocking) struct RedactorPlaceTests {
  static let commands = #"""
    mysql -uroot -p§ shop
    mysql -h db -u root -p'§ §!' shop
    mysqldump --single-transaction -u app -p"§" shop > x.sql
    docker exec -it db mysql -uroot -p§
    docker exec db mariadb-dump -uroot -p§ shop | gzip
    kubectl exec -n prod pod/db-0 -- mysql -p§
    sudo mysqladmin -u root -p§ shutdown
    /usr/local/mysql/bin/mysql -p§
    sshpass -p § ssh -o StrictHostKeyChecking=no u@h
    sshpass -p§ scp a b
    docker login -u me -p § ghcr.io
    podman login quay.io -u me -p §
    helm registry login reg.io -u me -p §
    redis-cli -h c -p 6379 -a § ping
    redis-cli -a "§" --tls
    valkey-cli -u redis://h -a §
    az login --service-principal -u id -p § --tenant t
    openssl enc -aes-256-cbc -pbkdf2 -k § -in a
    openssl pkcs12 -in a.p12 -passin pass:§ -nodes
    openssl pkcs12 -export -out a -password pass:§
    openssl rsa -in k -passout 'pass:§'
    openssl enc -K ¤ -iv 00
    curl -sSu admin:§ https://h
    curl -u "me:§" h
    http -a me:§ GET h
    htpasswd -bc .htpasswd me §
    htpasswd -nbB me §
    ldapsearch -x -D cn=admin -w § -b dc=x
    ldapwhoami -H ldap://h -w§
    smbclient //h/s -U me%§
    smbclient -U 'DOM\me%§' //h/s
    sqlcmd -S h -U sa -P § -Q "select 1"
    /opt/mssql-tools/bin/sqlcmd -S h -U sa -P "§"
    bcp db.t out f -S h -U sa -P§
    mongosh -u me -p § h/db
    mongodump --host h -u me -p '§'
    cqlsh -u c -p §
    7z a -p§ x.7z f
    zip -P § a.zip f
    unzip -P § a.zip
    plink -pw § u@h
    keytool -genkey -storepass § -keypass §
    mosquitto_pub -u me -P § -t t
    ipmitool -H h -U a -P § power on
    subprocess.run(["mysql", "-uroot", "-p§", "shop"])
    subprocess.run(["sshpass", "-p", "§", "ssh", "h"])
    spawn('docker', ['login', '-u', 'me', '-p', '§'])
    {"command":"sshpass -p § ssh h"}
    {"cmd":"mysql -uroot -p\"§\" shop"}
    bash -c "redis-cli -a § ping"
    cd x && mysql -p§; ls
    x=$(mysql -N -p§ -e q)
    lftp -u me,§ ftp://h
    snmpwalk -v3 -A § -X § h
    twine upload -u __token__ -p § dist/*
    oc login -u me -p § https://h
    cf login -u me -p §
    ssh-keygen -t ed25519 -N § -f k
    mysql -u root \⏎  -p§ \⏎  shop
    mysql:⏎  command:⏎    - mysqldump⏎    - -p§
    ["mysqladmin",⏎  "-p§",⏎ "ping"]
    """#

  static let places = #"""
    password: |⏎  §⏎other: x
    password: >-⏎    §
    db:⏎  password:⏎    §⏎  user: x
    client_secret:⏎  - ¤
    API_TOKEN=\⏎¤
    export DB_PASSWORD=\⏎  "§"
    password=\⏎    §
    let password =⏎    "§"
    API_KEY = (⏎    "¤"⏎)
    <key>Password</key><string>§</string>
    <key>apiToken</key>⏎	<string>¤</string>
    <string name="api_key">¤</string>
    <add key="DbPassword" value="§" />
    <property name="password" value="§"/>
    <password type="plain">§</password>
    <ns:password>§</ns:password>
    {"name": "DB_PASSWORD", "value": "§"}
    - name: DB_PASSWORD⏎  value: §
    - name: DB_PASSWORD⏎  value: "§"
    {⏎ "key": "api_key",⏎ "value": "¤"⏎}
    variable "db_password" {⏎  type = string⏎  default = "§"⏎}
    db-password "§"
    node { password "§" }
    db.example.com:5432:prod:app:§
    *:*:*:postgres:§
    localhost:5433:db:me:§
    machine h⏎  login me⏎  password §
    machine h password § login me
    default login anonymous password §
    user:§@tcp(10.0.0.1:3306)/db?x=y
    jdbc:oracle:thin:scott/§@//h:1521/s
    redis://:§@h:1/0
    amqp://u:§@h/v
    mongodb+srv://u:§@h/d
    HTTPBasicAuth("me", "§")
    requests.get(u, auth=("me", "§"))
    req.SetBasicAuth("me", "§")
    DriverManager.getConnection("jdbc:x", "me", "§")
    new mysqli("h", "me", "§", "db")
    smtp.login("me@x.org", "§")
    smtp.PlainAuth("", "me", "§", "h")
    factory.setPassword("§")
    aws configure set aws_secret_access_key ¤
    echo "§" | sudo -S true
    echo -n § | docker login -u me --password-stdin reg
    printf '%s' '§' | podman login --password-stdin q
    """#

  /// What looks like a place for a secret and is none.
  static let harmless = #"""
    mkdir -p build/Dir99
    ssh -p 2222 host
    docker run -p 8080:80 web
    docker run -d --name mysql -p3306:3306 mysql:8
    docker run -d --name mysql -p 3306:3306 mysql:8
    docker run --name redis -a stdout redis
    docker compose -p project99 up
    cp -p file1 file2
    nc -p 31337 -l
    scp -P 2222 a h:b1
    rsync -a src1/ dst1/
    tar -P -xf a1.tar
    mysql -u root -p shop2
    mysqldump -u root -p shop2 > x
    mysql -P 3307 -h h1
    mysql -p -e "select 1"
    mysql -p$DB_PASS shop
    mysql -p"${DB_PASS}" shop
    mysql -p<password> shop
    mysql -uroot -p
    sshpass -e ssh u1@h
    sshpass -f /run/pw1 ssh u@h
    sshpass -p $PW ssh -p 2222 u@h
    sshpass -p "$PW" ssh -p 2222 u@h
    sshpass -p password ssh h
    ssh mongo -p 2222
    ssh mysql-01 -p 2222
    docker login -u me --password-stdin ghcr.io
    docker login -p "$TOKEN1" reg
    docker login && docker run -p 80:80 web1
    redis-cli -h c1 -p 6379 ping
    redis-cli -n 12 -a $PW1 ping
    redis-cli -a "$(cat pw1)" ping
    az login -p "$SP_SECRET1"
    az group list -o table -p prod1
    openssl req -new -key a1.pem -out b1.csr
    openssl pkcs12 -in a1.p12 -passin env:PW1
    openssl rsa -passin file:/run/pw1 -in k
    openssl enc -aes-256-cbc -k "$KEY1" -in a
    openssl x509 -in cert1.pem -noout
    curl -k https://h1/x
    curl -u "$U1:$P1" h
    curl -u me1 h
    curl -p 8080:80 h1
    http -a "$A1" h
    htpasswd -c .htpasswd user99
    htpasswd -nb "$USER1" "$PASS1"
    ldapsearch -x -W -D cn=admin1
    ldapsearch -w "$PW1" -b dc=x1
    ldapsearch -y /run/pw1
    smbclient -U me1 //h/s
    smbclient -L h1 -U%
    sqlcmd -S h1 -U sa -P "$SA1"
    mongosh -p --port 27017
    mongosh --port 27017 h1/db
    unzip -p a1.zip f1
    7z x -pwd a
    zip -r a1.zip dir1
    patch -p1 < fix1.diff
    git log -p -2
    git add -p file1
    grep -P "\d+" f1
    grep -a pattern1 f1
    grep -k x1
    ps -p 12345
    kill -p 12345
    lsof -p 12345
    nmap -p 1-65535 h1
    netstat -anp 8080
    tmux new -s work1 -p 8080
    python -p 8000 -m http.server1
    pytest -p no:cacheprovider1
    jq -r .a1
    psql -U me1 -p 5432 db1
    pg_dump -p 5433 -W db1
    ansible-playbook -k play1.yml
    make -k target1
    kubectl port-forward -p 8080 x1
    the `-p` option of mysql takes no blank1
    use `sshpass -p` with care1
    sshpass -p is unsafe1
    redis-cli -a flag warns1
    mysql's -p option1
    npm run build -p tsconfig1.json
    tsc -p tsconfig.json2
    useradd -p x1
    useradd -m -u 1001 -p 2 me1
    chmod -R u+w dir1
    read -p "Password1: " x
    read -s -p "Enter pass 1" pw
    ls -a dir1
    docker exec -it db1 psql -U me -p 5432
    adb shell -a x1
    ping -W 5 h1
    - name: PORT⏎  value: "8080ab12"
    - name: DB_HOST⏎  value: db1.example.org
    <key>Version</key><string>1.2.3beta4</string>
    <key>CFBundleName</key>⏎<string>MyApp12345</string>
    <string name="password_hint">Password 1 please</string>
    <label for="password">Enter password 1</label>
    <input type="password" name="pw1" value="">
    password:⏎  min_length: 12
    secret:⏎  name: app1-secret
    secrets:⏎  - source: db1⏎    target: x
    tokens:⏎  max: 4096
    token:⏎  $TOKEN1
    password: |⏎  ${PW1}
    password:⏎
    api_key:⏎  from_env: X1
    env:⏎  - name: TOKEN⏎    valueFrom:⏎      secretKeyRef: x1
    password = "must have 8 characters"
    password: "Enter your password 1"
    "password": "The password has 3 words"
    password_error = "Password 1 is wrong"
    passwordLabel: "SHA256 hashed"
    password: 'At least 12 chars'
    token = "the token is 64 bits"
    src/main.swift:1024:12:error:bad1
    file.rs:10:5:foo:bar1
    10.0.0.1:5432 is up1
    localhost:5432:db1
    12:34:56:78:9a:bc
    2026-11-28T10:00:00:1234:ab:cd:ef12
    $1$ and $2$ in a pattern1
    s/(.*)-(.*)/$1$2/ and $5$6
    echo $1$2$3
    price $5$ or $6$
    user:pass@tcp is how it goes1
    me@x.org:12345
    git@github.com:owner1/repo.git
    user@host.example.org/path1
    login("alice1", password1)
    setPassword(user.password1)
    setPassword("")
    getConnection(url1, user1, pass1)
    basicAuth(user1, pass1)
    t("password1")
    AC0123456789 is an account1
    Client("ACabc", "x1")
    the token "refresh" expires1
    a secret sauce1 for it
    token bucket1 algorithm
    create secret generic1 db-credentials
    kubectl create secret generic my-app-secret-name-1 -n x1
    kubectl get secret production-database-credentials-v2 -o yaml
    aws configure set region eu-west-1
    https://example.com/@scope/pkg@1.2.3
    postgres://h:5432/db?x=a@b1
    redis://h:6379/0#x@y1
    ssh://git@github.com:22/a1
    PASSWORD=$PW1;echo done1
    password=foo1,token=bar1
    login(password=pass1, x=2)
    <a href="/password1">Reset1</a>
    <span class="token">x12345</span>
    mnemonic: press one of the keys below
    phrase: to be or not to be
    password: this must come from home
    the password is SHA256-hashed
    the password is PBKDF2WithHmacSHA256 now
    password is OAuth2Token here
    the password is checked with Argon2id
    password is UTF8String
    echo "$PW1" | docker login --password-stdin
    cat pw1 | docker login --password-stdin
    echo done1 | sudo tee file
    sudo -S true
    Passwort lautet: siehe Tresor1
    helm install x --set existingSecret=db-credentials-v2
    gcloud secrets versions access latest --secret=db-password-1
    curl -u user:password https://h1
    curl -u USER:PASS https://h1
    openssl enc -pass file:key1.bin -in a
    kubectl create secret generic db --from-literal=username=admin1
    kubectl create secret generic db --from-literal=password=$PW1
    docker run --user me:staff1 x
    echo hello1 | passwd1
    vault login $TOKEN1
    net user me1
    ngrok http 8080
    a1 LOGIN me $PW1
    send "done1\r"
    INSERT INTO t (id, name) VALUES (1, 'alice1')
    | password | string1 | required |
    | token | `string` | The token1 |
    kind: ConfigMap⏎data:⏎  LOG_LEVEL: "debug 2"
    kind: Secret⏎metadata:⏎  name: app-secret-2
    #define OBJ_secretBag 1L,2L,840L
    #define TOKEN_LENGTH 32
    # token = 1*tchar
    phrase = 1*word / obs-phrase
    secret = (wrapper.key_sha256⏎  if wrapper else None)
    invalid_phrase:⏎  tokens.append(Value(value[0],
    SecretItem2 **secrets;
    "PrivateKeyOfX25519Type", "PublicKeyOfX25519Type",
    password: "Use the name of host12 here"
    "token": "left-pad@1.3.0"
    PASS: TestFoo123
    clave: valor1
    "commit": "a1", "type": "token", "value": "word1"
    """#

  /// Within quotes, or as a word of a shell: passwords and tokens of words, with signs, with accents.
  static let marked = #"""
    DB_PASSWORD="§"
    API_TOKEN='§'
    "client_secret": "§"
    os.environ["API_KEY"] = "§"
    {"env":{"API_TOKEN":"§"}}
    [Environment]::SetEnvironmentVariable("API_KEY", "§")
    <password>§</password>
    <add key="ApiKey" value="§" />
    ALTER ROLE me WITH PASSWORD '§';
    jwt.sign(payload, "§")
    createHmac('sha256', '§')
    user.set_password("§")
    """#

  static let spoken = #"""
    mysqladmin -u root password §
    net use \\h\s § /user:me
    vault unwrap §
    ngrok authtoken §
    nuget setApiKey §
    aws configure set aws_secret_access_key §
    aws ssm put-parameter --name /x --value § --type SecureString
    kubectl create secret generic x --from-literal=foo=§
    skopeo copy --src-creds me:§ docker://a dir:b
    ctr image pull --user me:§ docker.io/x/y
    tool -auth me:§
    tool -pass §
    pt-table-sync h=db,u=root,p=§,D=shop
    mount -t cifs //h/s /m -o user=me,pass=§,vers=3.0
    vercel env add TOKEN <<< "§"
    expect "assword:"; send "§\r"
    INSERT INTO users (name, password) VALUES ('me', '§');
    SET PASSWORD FOR me = '§';
    PRAGMA key = '§';
    a1 LOGIN me §
    username me password 7 §
    enable secret 5 §
    | password | § |
    | **Password** | `§` |
    password = <<EOF⏎§⏎EOF
    kind: Secret⏎stringData:⏎  foo: "§"⏎  bar: §
    {"kind": "Secret", "stringData": {"foo": "§"}}
    page.fill("#password", "§")
    cy.get('#password').type('§')
    fill_in "Password", with: "§"
    login(page, "me@x.org", "§")
    the password for root is §
    A password is generated for root@localhost: §
    Set the root password to "§"
    contraseña: §
    пароль: §
    密码：§
    Cookie: a=b; session=¤
    https://h/x?Expires=1&Signature=¤
    """#

  @Test(arguments: commands.split(separator: "\n").map(String.init))
  func redact_whenAProgramTakesASecretByAnOption_takesIt(command: String) {
    expectRedacted(command)
    // Within a JSON text, as a tool's input.
    let escaped = text(command).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n")
    #expect(!redact("{\"command\": \"\(escaped)\"}").contains(chosen), "\(escaped)")
  }

  @Test(arguments: marked.split(separator: "\n").map(String.init))
  func redact_whenAValueHasSignsOrBlanks_takesItAsAWhole(place: String) {
    for value in [
      "Quill!74" + "03%", "Spruce&51" + "#heron", "ash" + "en49 quill", "Hären" + "7$3",
      "Larch)22" + "!fern",
    ] {
      let clean = redact(place.replacing("§", with: value))
      #expect(clean == place.replacing("§", with: redacted("secret")), "\(clean)")
    }
  }

  @Test(arguments: spoken.split(separator: "\n").map(String.init))
  func redact_whenAWordBeforeTellsOfASecret_takesIt(place: String) {
    expectRedacted(place)
    let named = "Spruce" + "Heron72"
    let clean = redact(place.replacing("⏎", with: "\n").replacing("§", with: named))
    #expect(!clean.contains(named), "\(clean)")
  }

  @Test func redact_whenOneKeyBlockBeginsInAnother_takesTheWholeOne() {
    let key = "-----BE" + "GIN OpenVPN Static key V1-----\n"
    let body = (0..<4).map { Fake.body(32, of: Fake.hex, seed: $0) }.joined(separator: "\n")
    let end = "\n-----E" + "ND OpenVPN Static key V1-----"
    #expect(redact(key + body + end) == redacted("private-key"))
    let clean = redact(key + key + body + end)
    #expect(!clean.contains(Fake.body(32, of: Fake.hex, seed: 0)), "\(clean)")
  }

  @Test(arguments: places.split(separator: "\n").map(String.init))
  func redact_whenAValueStandsApartFromItsName_takesIt(place: String) {
    expectRedacted(place)
    expectRedacted("before\n" + place + "\nafter")
  }

  @Test(arguments: harmless.split(separator: "\n").map(String.init))
  func redact_whenItOnlyLooksLikeAPlace_leavesIt(line: String) {
    let line = line.replacing("⏎", with: "\n")
    #expect(redact(line) == line)
    #expect(redact("x\n" + line + "\ny") == "x\n" + line + "\ny")
  }

  @Test func redact_whenAPasswordIsHashed_takesTheHash() {
    let salt = Fake.body(16)
    let long = Fake.body(86)
    let base64 = Fake.body(42, of: Fake.word + "+/") + "=="
    for hash in [
      "$1$" + salt.prefix(8) + "$" + long.prefix(22),
      "$apr1$" + salt.prefix(8) + "$" + long.prefix(22),
      "$2a$10$" + long.prefix(53), "$2b$12$" + long.prefix(53), "$2y$05$" + long.prefix(53),
      "$5$" + salt + "$" + long.prefix(43), "$6$rounds=5000$" + salt + "$" + long,
      "$y$j9T$" + salt + "$" + long.prefix(43), "$7$" + salt + "$" + long.prefix(43),
      "$argon2id$v=19$m=65536,t=3,p=4$" + salt + "$" + long.prefix(43),
      "$scrypt$ln=16,r=8,p=1$" + salt + "$" + long.prefix(43),
      "$pbkdf2-sha256$29000$" + salt + "$" + long.prefix(43), "$P$B" + long.prefix(30),
      "pbkdf2_sha256$260000$" + salt + "$" + base64, "{SSHA}" + base64, "{SHA512}" + base64,
      "SCRAM-SHA-256$4096:" + base64 + "$" + base64 + ":" + base64,
    ] as [String] {
      let marker = redacted("password-hash")
      for (before, after) in [
        ("", ""), ("user:", ""), ("root:", ":19000:0:99999:7:::"), ("x 'a:", "'"), ("\"", "\","),
        ("admin:$", "\n"), ("userPassword: ", "\n"),
      ] {
        #expect(redact(before + hash + after) == before + marker + after)
      }
    }
    #expect(!redact("*" + "PASSWORD: '\(base64)'").contains(base64))
  }

  @Test func redact_whenAKeyStandsBesideAnID_takesIt() {
    let account = "A" + "C" + Fake.body(32, of: Fake.hex, seed: 3)
    let token = Fake.body(32, of: Fake.hex)
    let id = "AK" + "IA" + Fake.body(16, of: Fake.upper + Fake.digits)
    let secret = Fake.body(40, of: Fake.word + "+/")
    for (text, value) in [
      ("Client(\"\(account)\", \"\(token)\")", token), ("('\(account)','\(token)')", token),
      ("\(account):\(token)@api", token), ("sid=\(account)\nkey: \(token)", token),
      ("new C(\n  \"\(account)\",\n  \"\(token)\")", token),
      ("\(id),\(secret)\n", secret), ("Credentials(\"\(id)\", \"\(secret)\")", secret),
      ("\(id) \(secret)", secret), ("key=\(id)&x=\(secret)", secret),
    ] {
      #expect(!redact(text).contains(value), "\(redact(text))")
    }
    #expect(redact("\(account) is an account").contains(account))
    #expect(redact("\(account) at \(token)").contains(token))
  }

  @Test func redact_whenAKeyIsTheUserOfAURL_takesIt() {
    let key = Fake.body(32, of: Fake.hex)
    #expect(
      redact("dsn: https://\(key)@o1.ingest.example.org/42")
        == "dsn: https://\(redacted("url-password"))@o1.ingest.example.org/42")
    for text in ["https://\(key)/x", "https://me@host/\(key)", "git+ssh://git@h/\(key)"] {
      #expect(redact(text) == text)
    }
  }

  @Test func redact_whenAPasswordIsFourBlocks_takesThem() {
    let blocks = "qxkd hwzt " + "mpvb rjln"
    for template in [
      "SMTP_PASSWORD=\"#\"", "app_password: '#'", "GMAIL_PASSWORD=#\n", "password: #",
    ] {
      #expect(
        redact(template.replacing("#", with: blocks))
          == template.replacing("#", with: redacted("secret")))
    }
  }

  @Test func redact_whenSettingsHoldSigns_takesTheWholeValue() {
    for value in ["ab;cd9ef", "9a,b&c;d", "Tr0ub&4dor", "x1|y2|z3"] {
      for template in ["DB_PASSWORD=#", "a=1\nexport DB_PASSWORD=#\nb=2"] {
        #expect(
          redact(template.replacing("#", with: value))
            == template.replacing("#", with: redacted("secret")))
      }
    }
    #expect(!redact("password=ab\\\n    cd9ef\n").contains("cd9ef"))
    let block = (0..<3).map { "  " + Fake.body(40, seed: $0) }.joined(separator: "\n")
    #expect(redact("secret: |\n\(block)\nnext: 1") == "secret: |\n  \(redacted("secret"))\nnext: 1")
  }

  /// Outputs are cut before they are looked through: no text may be read beyond its ends.
  @Test func textsThatWereCutAnywhere_areReadWithinTheirEnds() {
    let texts = [
      #"", "API_KEY", "v4lue-of-it", Client("AC12", 'x'), ["token", "abc"], --password "q w" -p"#,
      #"\", key: "x", 'secret': y, $TOKEN=z; user:pass@host, -u root -p1 | a | b |, ]"="`,"#,
      "password:\n  hunter\n- name: x\n<key>Password</key><string>y</string>, set-cookie: a=b;",
    ]
    for text in texts {
      let bytes = Array(text.utf8)
      for start in bytes.indices {
        for end in [bytes.count, min(bytes.count, start + 7), min(bytes.count, start + 2)] {
          let part = String(decoding: bytes[start..<end], as: UTF8.self)
          let clean = Redactor().redact(part)
          #expect(Redactor().redact(clean) == clean)
        }
      }
    }
  }
}
