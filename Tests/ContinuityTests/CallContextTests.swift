import Core
import Fallback
import Foundation
import Redaction
import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct CallContextTests {
  private let place: CallPlace

  init() throws { place = try CallPlace() }

  @Test func context_opensAndMakesNothing() throws {
    let context = try place.context()
    let service = MemoryService(context)
    #expect(!FileManager.default.fileExists(atPath: place.home))
    #expect(service.context.home.data == place.home)
    withExtendedLifetime(service) {}
    #expect(!FileManager.default.fileExists(atPath: place.home))
  }

  @Test func paths_standAgainstTheWorkingFolder() throws {
    let context = try place.context(["MEMORYD_FALLBACK_DIR": "files"], requestID: "r")
    let folder = place.folder.path
    #expect(context.absolute("a/../b") == folder + "/b")
    #expect(context.absolute("~/c") == folder + "/c")
    #expect(context.absolute("/d") == "/d")
    #expect(context.fallback.directory == folder + "/files")
    #expect(context.requestID == "r" && context.clock.now == 1_800_000_000_000)
  }

  @Test func settings_whenTheFileChangesAfterwards_stayAsTheyWere() throws {
    try place.folder.write("hooks:\n  deadline_ms: 1500\n".utf8, to: "home/config.yaml")
    let context = try place.context()
    try place.folder.write("hooks:\n  deadline_ms: 1600\n".utf8, to: "home/config.yaml")
    #expect(context.settings.integer(.hookDeadline) == 1500)
    #expect(try place.context().settings.integer(.hookDeadline) == 1600)
  }

  @Test func tokenFile_isReadOnce_andItsTokenIsRedacted() throws {
    let file = try place.folder.write("  correct-horse-battery \n".utf8, to: "token")
    let context = try place.context(["MEMORYD_VAULT_TOKEN_FILE": "token"])
    try Data("another-one-altogether".utf8).write(to: URL(fileURLWithPath: file))
    #expect(context.tokenFromFile == "correct-horse-battery")
    #expect(!context.redactor.redact("say correct-horse-battery twice").contains("horse"))
    #expect(context.redactor.redact("another-one-altogether") == "another-one-altogether")
  }

  @Test func redactionKey_differsWhereTheSecretsDo() throws {
    let none = try place.context()
    let one = try place.context(["MEMORYD_VAULT_TOKEN": "tangerine-dream"])
    let other = try place.context(["MEMORYD_VAULT_TOKEN": "tangerine-nightmare"])
    let off = try place.context(["MEMORYD_REDACTION_ENABLED": "false"])
    #expect(Set([none, one, other, off].map(\.redactionKey)).count == 4)
    #expect(try place.context().redactionKey == none.redactionKey)
  }

  @Test func days_areThoseOfTheSetting_elseOfTheCallersSystem() throws {
    // 23:30 in UTC.
    let instant: Int64 = 1_800_055_800_000
    let set = try place.context(["MEMORYD_TIMEZONE": "Asia/Tokyo", "TZ": "America/Lima"])
    let own = try place.context(["TZ": "America/Lima"])
    #expect(set.days.date(of: instant) > own.days.date(of: instant))
  }

  @Test func badSetting_isAnErrorOrItsDefault() throws {
    let environment = ["MEMORYD_HOOKS_DEADLINE_MS": "soon"]
    #expect(throws: CommandError.self) { try place.context(environment) }
    let context = try place.context(environment, isLenient: true)
    #expect(context.settings.integer(.hookDeadline) == 2000)
    #expect(context.settings.complaints.count == 1)
  }
}
