import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct HomeTests {
  private func home(
    _ flag: String? = nil, _ environment: [String: String] = [:], cwd: String = "/w"
  ) throws -> HomeLayout {
    try HomeLayout(flag: flag, environment: environment, cwd: cwd)
  }

  // MARK: A chosen folder

  @Test(arguments: [
    ("/data", "/data"), ("data", "/w/data"), ("./data/", "/w/data"), ("../data", "/data"),
    ("/a//b/./c/..", "/a/b"), ("~", "/home/u"), ("~/data", "/home/u/data"),
    ("~other/data", "/w/~other/data"), ("a~", "/w/a~"), ("/", "/"),
    ("/mit Leerzeichen/ü", "/mit Leerzeichen/ü"),
  ])
  func folder_whenItIsNamed_standsAgainstTheWorkingFolder(name: String, path: String) throws {
    let environment = ["HOME": "/home/u"]
    let byFlag = try home(name, environment)
    let byVariable = try home(nil, environment.merging(["MEMORYD_HOME": name]) { $1 })
    for home in [byFlag, byVariable] {
      #expect(home.data == path && home.configuration == path && home.isChosen)
    }
  }

  @Test func flag_goesBeforeTheVariable_andBothBeforeThePlatform() throws {
    let environment = [
      "HOME": "/home/u", "MEMORYD_HOME": "/variable", "XDG_DATA_HOME": "/xdg",
      "XDG_CONFIG_HOME": "/xdg",
    ]
    #expect(try home("/flag", environment).data == "/flag")
    #expect(try home(nil, environment).data == "/variable")
  }

  @Test func variable_whenItIsEmpty_choosesNothing() throws {
    let home = try home(nil, ["HOME": "/home/u", "MEMORYD_HOME": ""])
    #expect(!home.isChosen && home.data.hasPrefix("/home/u/"))
  }

  // MARK: The platform's folders

  #if os(macOS)
    @Test func folders_whenNothingIsNamed_areThePlatforms() throws {
      let home = try home(nil, ["HOME": "/home/u", "XDG_DATA_HOME": "/xdg"])
      #expect(home.data == "/home/u/Library/Application Support/memoryd")
      #expect(home.configuration == home.data && !home.isChosen)
    }
  #else
    @Test(
      arguments: [
        ([:], "/home/u/.local/share/memoryd", "/home/u/.config/memoryd"),
        (["XDG_DATA_HOME": "/d"], "/d/memoryd", "/home/u/.config/memoryd"),
        (["XDG_CONFIG_HOME": "/c"], "/home/u/.local/share/memoryd", "/c/memoryd"),
        (["XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"], "/d/memoryd", "/c/memoryd"),
        // Its specification has relative paths ignored.
        (
          ["XDG_DATA_HOME": "d", "XDG_CONFIG_HOME": "./c"], "/home/u/.local/share/memoryd",
          "/home/u/.config/memoryd"
        ),
        (
          ["XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "~/c"], "/home/u/.local/share/memoryd",
          "/home/u/.config/memoryd"
        ),
      ] as [([String: String], String, String)])
    func folders_whenNothingIsNamed_areThePlatforms(
      variables: [String: String], data: String, configuration: String
    ) throws {
      let home = try home(nil, variables.merging(["HOME": "/home/u"]) { $1 })
      #expect(home.data == data && home.configuration == configuration && !home.isChosen)
    }

    @Test func folders_whenHomeIsMissing_needNoneButXDGs() throws {
      let home = try home(nil, ["XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"])
      #expect(home.data == "/d/memoryd" && home.configuration == "/c/memoryd")
    }
  #endif

  @Test func userFolder_whenHomeIsSet_isThat() {
    #expect(UserPath.userFolder(["HOME": "/home/u"]) == "/home/u")
  }

  @Test(arguments: [[:], ["HOME": ""], ["HOME": "relative"]])
  func userFolder_whenHomeIsOfNoUse_isWhatTheUserDatabaseSays(environment: [String: String]) {
    let folder = UserPath.userFolder(environment)
    #expect(folder != "" && folder != "relative" && folder?.hasPrefix("/") != false)
    #expect(folder == UserPath.userFolder([:]))
  }

  // MARK: What is in them

  @Test func files_standInTheirFolders() throws {
    let home = try home("/h")
    let paths = [
      home.database, home.spool, home.syncLock, home.syncWitness, home.instanceLock, home.logs,
      home.configurationFile,
    ]
    #expect(
      paths == [
        "/h/memory.db", "/h/spool", "/h/sync.lock", "/h/sync.witness", "/h/memoryd.lock", "/h/logs",
        "/h/config.yaml",
      ])
  }

  @Test(arguments: [
    ("/w/a/b", "a/b"), ("/w/a", "a"), ("/w", "/w"), ("/wide/a", "/wide/a"), ("/other", "/other"),
    ("w/a", "w/a"), ("", ""), ("/w/ü/é", "ü/é"),
  ])
  func path_whenItLiesBelowTheFolder_isWrittenWithoutIt(path: String, expected: String) {
    #expect(UserPath.relative(path, to: "/w") == expected)
  }
}
