import Core
import Foundation

/// The daemon as a service of the user's own: a systemd unit, on macOS a launchd agent.
package struct ServiceUnit {
  /// What calls `serve`.
  package let executable: String
  let arguments: [String]
  /// Folders that it writes to.
  package let writable: [String]
  /// Variables that it needs in order to find the same folders.
  let environment: [String: String]
  let logFile: String

  package init(
    executable: String, arguments: [String], writable: [String], environment: [String: String],
    logFile: String
  ) {
    self.executable = executable
    self.arguments = arguments
    self.writable = writable
    self.environment = environment
    self.logFile = logFile
  }

  package static let name = "memoryd"
  static let label = "dev.memoryd.daemon"
  /// Set for a daemon that is started anew when it ends.
  package static let variable = "MEMORYD_SERVICE"

  /// - Returns: Nil where there is no home folder.
  package static func path(_ environment: [String: String]) -> String? {
    let user = UserPath.userFolder(environment)
    #if os(macOS)
      return user.map { "\($0)/Library/LaunchAgents/\(label).plist" }
    #else
      let folder =
        environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        ?? user.map { $0 + "/.config" }
      return folder.map { "\($0)/systemd/user/\(name).service" }
    #endif
  }

  package static func isInstalled(_ environment: [String: String]) -> Bool {
    path(environment).flatMap { RegularFile.facts($0) } != nil
  }

  package var text: String {
    #if os(macOS)
      return launchAgent
    #else
      return systemdUnit
    #endif
  }

  // MARK: systemd

  /// Source: systemd.service(5), systemd.exec(5), systemd.resource-control(5).
  var systemdUnit: String {
    let command = ([executable] + arguments).map(Self.quoted).joined(separator: " ")
    let variables = environment.sorted { $0.key < $1.key }
      .map { "Environment=\(Self.quoted("\($0.key)=\($0.value)"))\n" }.joined()
    // A leading dash: a folder that is not there yet is no error.
    let folders = writable.map { Self.quoted("-" + $0) }.joined(separator: " ")
    return """
      [Unit]
      Description=memoryd, the memory of coding agents
      StartLimitIntervalSec=0

      [Service]
      Type=notify
      NotifyAccess=main
      ExecStart=\(command)
      ExecReload=/bin/kill -HUP $MAINPID
      \(variables)Restart=always
      RestartSec=1
      RestartSteps=6
      RestartMaxDelaySec=60
      WatchdogSec=60
      TimeoutStopSec=5
      UMask=0077
      NoNewPrivileges=yes
      PrivateTmp=yes
      ProtectSystem=strict
      ProtectHome=read-only
      ReadWritePaths=\(folders)
      RuntimeDirectory=\(Self.name)
      RuntimeDirectoryMode=0700
      RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
      RestrictRealtime=yes
      LockPersonality=yes
      MemoryHigh=384M
      MemoryMax=512M
      CPUQuota=80%
      TasksMax=256

      [Install]
      WantedBy=default.target

      """
  }

  /// In double quotes, with systemd's specifiers and variables taken as text.
  private static func quoted(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("%", with: "%%").replacing("$", with: "$$")
    return "\"\(escaped)\""
  }

  // MARK: launchd

  /// Source: launchd.plist(5).
  var launchAgent: String {
    func string(_ text: String) -> String {
      let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        .replacing(">", with: "&gt;")
      return "<string>\(escaped)</string>"
    }
    let words = ([executable] + arguments).map { "    \(string($0))\n" }.joined()
    let variables = environment.sorted { $0.key < $1.key }
      .map { "    <key>\($0.key)</key>\(string($0.value))\n" }.joined()
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" \
      "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
      <plist version="1.0">
      <dict>
        <key>Label</key>\(string(Self.label))
        <key>ProgramArguments</key>
        <array>
      \(words)  </array>
        <key>EnvironmentVariables</key>
        <dict>
      \(variables)  </dict>
        <key>RunAtLoad</key><true/>
        <key>KeepAlive</key><true/>
        <key>ThrottleInterval</key><integer>5</integer>
        <key>ProcessType</key><string>Background</string>
        <key>Umask</key><integer>63</integer>
        <key>StandardErrorPath</key>\(string(logFile))
      </dict>
      </plist>

      """
  }
}
